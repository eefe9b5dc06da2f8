//! Two personas in one process: nothing of one is the other's, and they share one budget of requests.

use super::house::{ana, config};
use super::program::{command, finished};
use quarterdeck::base::{Clock, PersonaId, SystemClock};
use quarterdeck::config::{Request, load};
use quarterdeck::deck::Deck;
use quarterdeck::memory::{self, Author};
use quarterdeck::moderation::{self, Item, item};
use quarterdeck::sandbox::{self, NewPost, Options};
use quarterdeck::store::{Address, Conn, Database};
use std::sync::Arc;

const OTHER: &str = "OtherAgentBot";
const ACCOUNTS: &str = r#"{"OtherAgentBot": {"password": "other-password"}}"#;

async fn items(deck: &Database, persona: &PersonaId) -> Vec<Item> {
    let persona = persona.clone();
    deck.read(move |c: &mut dyn Conn| -> moderation::Result<Vec<Item>> {
        let rows = c.query("SELECT id FROM pending_posts WHERE persona_id = $1", quarterdeck::vals![&persona])?;
        rows.iter().map(|row| item::load(c, &persona, &row.text("id")?)).collect()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_queue_holds_only_its_own() {
    let accounts = vec![(sandbox::ACCOUNT.to_owned(), sandbox::PASSWORD.to_owned()), (OTHER.to_owned(), "other-password".to_owned())];
    let house = sandbox::start(Options { posts: 0, request_limit: 100_000, accounts, ..Options::default() }).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deck = Database::open(&Address::Sqlite(directory.path().join("deck.db")), &clock).unwrap();
    let now = clock.now();
    let [one, two] = deck
        .write(move |c: &mut dyn Conn| -> memory::Result<_> {
            let author = ana();
            let author = Author::new(&author, now);
            let one = memory::personas::add(c, sandbox::ACCOUNT, None, &config(&["test"]), &author)?.id;
            let two = memory::personas::add(c, OTHER, None, &config(&["bottest"]), &author)?.id;
            Ok([one, two])
        })
        .await
        .unwrap();
    for subreddit in ["test", "bottest"] {
        for number in 0..3 {
            let title = format!("Rivers {number}");
            let new = NewPost { subreddit: subreddit.into(), title, text: "How fast do they fall?".into(), ..NewPost::default() };
            house.world().add_post(new).unwrap();
        }
    }
    let mut program = command(directory.path(), &house, None, &["agent", "once"]);
    program.env("REDDIT_ACCOUNTS", ACCOUNTS);
    let output = finished(program).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (own, other, subreddit) in [(&one, &two, "test"), (&two, &one, "bottest")] {
        let found = items(&deck, own).await;
        assert!(!found.is_empty());
        for item in found {
            assert_eq!((&item.persona_id, item.target_subreddit.as_str()), (own, subreddit));
            let (other, id) = (other.clone(), item.id.clone());
            let missing = deck.read(move |c| item::load(c, &other, &id)).await.unwrap_err();
            assert!(matches!(missing, moderation::Error::NotFound { .. }), "{missing}");
        }
    }
    let calls = deck
        .read(|c| {
            c.first(
                "SELECT count(*) AS n FROM llm_calls l JOIN pending_posts p ON p.correlation_id = l.correlation_id
                 WHERE p.persona_id <> l.persona_id OR l.outcome <> 'ok'",
                &[],
            )?
            .map_or(Ok(0), |row| row.int("n"))
        })
        .await
        .unwrap();
    assert_eq!(calls, 0, "no call of one was booked, or called lost, for the other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_budget_serves_both() {
    let house = sandbox::start(Options { posts: 0, ..Options::default() }).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let environment = command(directory.path(), &house, None, &[]);
    let mut request = Request::default();
    for (name, value) in environment.get_envs() {
        if let Some(value) = value {
            request.environment.insert(name.to_owned(), value.to_owned());
        }
    }
    request.environment.insert("REDDIT_ACCOUNTS".into(), ACCOUNTS.into());
    let deck = Deck::open(load(&request).settings().unwrap(), Arc::new(SystemClock)).unwrap();
    let (one, two) = (deck.reddit(sandbox::ACCOUNT).unwrap(), deck.reddit(OTHER).unwrap());
    let before = two.budget().available();
    one.me().await.unwrap();
    assert!(two.budget().available() <= before - 1.0 + 0.5, "what one sends, the other has less of");
    let stranger = deck.reddit("Stranger").unwrap_err().to_string();
    assert!(stranger.contains("REDDIT_ACCOUNTS") && !stranger.contains("other-password"), "{stranger}");
}
