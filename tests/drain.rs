//! Two consoles and a script work one queue of 10,000 items to empty: nothing is decided twice, nothing is lost, everything is audited.
//! And what happens at one queue when the clocks of its consoles differ.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::bulk::{self, Chosen, Decision};
use quarterdeck::moderation::listing::{self, By, Holder, Sort};
use quarterdeck::moderation::{
    self, Directive, Error, Filter, Item, Mode, NewItem, On, RejectCode, SecondApprover, Settings, State, Verdict, decisions, item, pull,
    queue,
};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Database};
use quarterdeck::vals;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

mod support;

const ITEMS: usize = 10_000;
const ACCOUNT: &str = "DemoAgentBot";
const MINUTE: Millis = 60_000;

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

struct House {
    deck: Database,
    persona: PersonaId,
    directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let (deck, directory) = quarterdeck::store::testing::database();
        let added = deck.write_blocking(|c| {
            let actor = Actor::human("test");
            memory::personas::add(c, ACCOUNT, None, &PersonaConfig::default(), &Author::new(&actor, SystemClock.now()))
        });
        Self { deck, persona: added.unwrap().id, directory }
    }

    fn fill(&self, count: usize, at: Millis, make: impl Fn(usize) -> NewItem) -> Vec<String> {
        let mut ids = Vec::new();
        let new: Vec<NewItem> = (0..count).map(make).collect();
        for chunk in new.chunks(1_000) {
            let (persona, chunk) = (self.persona.clone(), chunk.to_vec());
            let added = self.deck.write_blocking(move |c| -> moderation::Result<Vec<String>> {
                chunk.iter().map(|new| queue::enqueue(c, &persona, new, &settings(), &Actor::agent("loop"), at)).collect()
            });
            ids.extend(added.unwrap());
        }
        ids
    }

    fn read<T: Send + 'static>(&self, work: impl FnOnce(&mut dyn Conn) -> moderation::Result<T> + Send + 'static) -> T {
        self.deck.read_blocking(work).unwrap()
    }

    fn page(&self, filter: &Filter, limit: usize) -> listing::Page {
        let filter = filter.clone();
        self.read(move |c| listing::page(c, &filter, limit))
    }

    fn act<T: Send + 'static>(
        &self,
        name: &str,
        id: &str,
        version: Option<i64>,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> moderation::Result<T> + Send + 'static,
    ) -> moderation::Result<T> {
        let (persona, id, actor) = (self.persona.clone(), id.to_owned(), Actor::human(name));
        self.deck.write_blocking(move |c| work(c, &On { persona: &persona, id: &id, version, actor: &actor, at }))
    }

    fn load(&self, id: &str) -> Item {
        let (persona, id) = (self.persona.clone(), id.to_owned());
        self.read(move |c| item::load(c, &persona, &id))
    }

    /// The real program, on the same database.
    fn program(&self, words: &[&str]) -> (i32, Value) {
        let database = match self.deck.address() {
            Address::Sqlite(path) => format!("sqlite:{}", path.display()),
            Address::Postgres(url) => url.clone(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.directory.path()).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.arg("--data-dir").arg(self.directory.path()).args(["--database", &database, "--as", "script", "--json"]).args(words);
        let output = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {words:?}: {out}{err}"));
        (output.status.code().unwrap(), value)
    }
}

fn draft(number: usize) -> NewItem {
    let subreddit = format!("place{}", number % 4);
    NewItem { target_subreddit: subreddit, ..support::comment(&format!("t3_{number}"), "A harmless remark about rivers and their levels.") }
}

/// A console: pulls, decides, pulls. Returns what it decided and how often somebody else was quicker.
fn console(address: &Address, name: &str) -> (Vec<String>, usize) {
    let deck = Database::open(address, &clock()).unwrap();
    let (mut decided, mut refused) = (Vec::new(), 0);
    loop {
        let actor = Actor::human(name);
        let by = actor.clone();
        let next = deck.write_blocking(move |c| pull::next(c, &Filter::default(), &by, SystemClock.now(), &settings()));
        // On a machine that is busy the others may keep the lock for long.
        if let Err(Error::Store(quarterdeck::store::Error::Locked { .. })) = &next {
            continue;
        }
        let next = next.unwrap();
        let Some(item) = next else { return (decided, refused) };
        assert_eq!((item.state, item.lease_holder.as_deref()), (State::Claimed, Some(name)));
        let (id, approves) = (item.id.clone(), !decided.len().is_multiple_of(3));
        let done = deck.write_blocking(move |c| {
            let on = On { persona: &item.persona_id, id: &item.id, version: Some(item.version), actor: &actor, at: SystemClock.now() };
            if approves {
                decisions::approve(c, &on, ACCOUNT, &settings())
            } else {
                decisions::reject(c, &on, RejectCode::TooWeak, Directive::Drop, None, &settings())
            }
        });
        match done {
            Ok(_) => decided.push(id),
            Err(Error::Changed { .. } | Error::ClaimedByOther { .. } | Error::WrongState { .. }) => refused += 1,
            Err(Error::Store(quarterdeck::store::Error::Locked { .. })) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// A script: item by item a few times, then many at once, until nothing waits.
fn script(house: &House) -> usize {
    let mut decided = 0;
    for _ in 0..10 {
        let (code, next) = house.program(&["queue", "next"]);
        let Some(id) = next["item"]["id"].as_str() else {
            assert_eq!((code, &next["item"]), (3, &Value::Null));
            return decided;
        };
        let version = next["item"]["version"].to_string();
        let (code, done) = house.program(&["queue", "approve", id, "--version", &version]);
        assert_eq!((code, done["item"]["reviewed_by"].as_str()), (0, Some("script")));
        decided += 1;
    }
    for round in 0.. {
        let sort = ["place0", "place1", "place2", "place3"][round % 4];
        let (_, report) = house.program(&["queue", "bulk", "approve", "--unclaimed", "--subreddit", sort, "--limit", "500", "--yes"]);
        decided += usize::try_from(report["decided"].as_u64().unwrap()).unwrap();
        let (_, left) = house.program(&["queue", "count"]);
        if left["total"] == 0 {
            return decided;
        }
    }
    unreachable!("the rounds do not end")
}

#[test]
fn two_consoles_and_a_script_empty_one_queue() {
    let house = House::new();
    let ids = house.fill(ITEMS, SystemClock.now(), draft);
    let address = house.deck.address().clone();
    let (consoles, by_script) = std::thread::scope(|scope| {
        let consoles = ["ana", "bob"].map(|name| {
            let address = address.clone();
            scope.spawn(move || console(&address, name))
        });
        let by_script = script(&house);
        (consoles.map(|console| console.join().unwrap()), by_script)
    });
    let [(ana, _), (bob, _)] = &consoles;
    assert!(!ana.is_empty() && !bob.is_empty() && by_script > 0, "{} {} {by_script}", ana.len(), bob.len());
    assert_eq!(ana.len() + bob.len() + by_script, ITEMS, "every item was decided by one of them");

    // The database says the same: one decision an item, by the one whose name the item bears, and an unbroken log.
    let decisions: BTreeMap<String, Vec<String>> = house.read(|c| {
        let rows = c.query("SELECT subject_id, actor FROM audit_log WHERE action IN ('queue.approve', 'queue.reject')", &[])?;
        let mut by_item: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows {
            by_item.entry(row.text("subject_id")?).or_default().push(row.text("actor")?);
        }
        Ok(by_item)
    });
    assert_eq!(decisions.len(), ITEMS);
    let rows = house.read(|c| {
        let rows = c.query("SELECT id, state, reviewed_by FROM pending_posts", &[])?;
        rows.iter().map(|row| Ok((row.text("id")?, row.text("state")?, row.text("reviewed_by")?))).collect::<moderation::Result<Vec<_>>>()
    });
    assert_eq!(rows.len(), ids.len());
    for (id, state, reviewer) in rows {
        assert!(state == "scheduled" || state == "rejected", "{id} is {state}");
        assert_eq!(decisions[&id], [reviewer], "{id}");
    }
    let verified = house.read(|c| Ok(audit::verify(c)?));
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

/// A queue of 300: flagged ones, other subreddits, a lease, a word that stands in one text.
fn mixed() -> (House, Vec<String>, Millis) {
    let house = House::new();
    let at = SystemClock.now();
    let ids = house.fill(300, at, |number| {
        let mut new = draft(number);
        new.parent_author = Some(format!("Reader{}", number % 7));
        if number % 10 == 3 {
            new.content = format!("As an AI language model I say that rivers fall, number {number}");
            new.evaluation = moderation::screening::evaluate(
                moderation::screening::Outgoing { title: None, content: &new.content },
                moderation::screening::Surroundings { consistency: None, tainted: number % 20 == 3 },
            );
            new.draft_metadata.tainted = number % 20 == 3;
        }
        if number == 250 {
            new.content = "Die GRÖSSE der  Überschwemmung\nwar seltsam".into();
        }
        new
    });
    (house, ids, at)
}

#[test]
fn every_filter_finds_what_it_says_and_pages_join() {
    let (house, ids, at) = mixed();
    house.act("ana", &ids[5], None, at, |c, on| queue::claim(c, on, &settings())).unwrap();
    house.act("ana", &ids[6], None, at, |c, on| moderation::team::escalate(c, on, "dee", "legal")).unwrap();
    let all = |filter: &Filter| -> Vec<String> { house.page(filter, 1_000).lines.into_iter().map(|line| line.id).collect() };
    let count = |filter: Filter| all(&filter).len();
    let items: Vec<Item> = ids.iter().map(|id| house.load(id)).collect();
    let that = |holds: &dyn Fn(&Item) -> bool| items.iter().filter(|item| holds(item) && item.state != State::Blocked).count();
    let any = Filter::default;
    assert_eq!(count(any()), that(&|_| true));
    for verdict in [Verdict::Allow, Verdict::Review] {
        assert_eq!(count(Filter { verdicts: vec![verdict], ..any() }), that(&|item| item.verdict == verdict), "{verdict:?}");
    }
    let flagged = |item: &Item, rule: &str| item.evaluation.missing.iter().any(|name| name.starts_with(rule));
    assert!(that(&|item| flagged(item, "consistency")) >= 20);
    assert_eq!(count(Filter { rule: Some("Consistency".into()), ..any() }), that(&|item| flagged(item, "consistency")));
    assert_eq!(count(Filter { rule: Some("consist%".into()), ..any() }), 0, "a rule is a name, not a pattern");
    assert_eq!(count(Filter { rule: Some("c_nsistency".into()), ..any() }), 0);
    assert_eq!(count(Filter { tainted: Some(true), ..any() }), that(&|item| item.draft_metadata.tainted));
    assert_eq!(count(Filter { tainted: Some(false), ..any() }), that(&|item| !item.draft_metadata.tainted));
    assert_eq!(count(Filter { subreddit: Some("PLACE2".into()), ..any() }), that(&|item| item.target_subreddit == "place2"));
    assert_eq!(count(Filter { author: Some("reader3".into()), ..any() }), that(&|item| item.parent_author.as_deref() == Some("Reader3")));
    assert_eq!(count(Filter { least_score: Some(0.01), ..any() }), that(&|item| item.evaluation.score >= 0.01));
    assert_eq!(all(&Filter { holder: Some(Holder::Is { name: "ana".into(), at }), ..any() }), [ids[5].clone()]);
    assert_eq!(count(Filter { holder: Some(Holder::Somebody { at: at + 10 * MINUTE }), ..any() }), 0, "the lease is over then");
    assert_eq!(count(Filter { holder: Some(Holder::Nobody { at }), ..any() }), that(&|_| true) - 1);
    assert_eq!(all(&Filter { escalated_to: Some("dee".into()), ..any() }), [ids[6].clone()]);
    for words in ["größe der überschwemmung WAR", "ß", "seltsam"] {
        // A capital ẞ is not what people write: GRÖSSE folds to grösse.
        let expected = if words.contains('ß') { vec![] } else { vec![ids[250].clone()] };
        assert_eq!(all(&Filter { text: Some(words.into()), ..any() }), expected, "{words}");
    }
    assert_eq!(all(&Filter { text: Some("grösse der überschwemmung war".into()), ..any() }), [ids[250].clone()]);
    assert_eq!(count(Filter { text: Some("nowhere to be found".into()), ..any() }), 0);
    assert_eq!(count(Filter { expires_before: Some(at + settings().expiry), ..any() }), 0);
    assert_eq!(count(Filter { created_since: Some(at + 1), ..any() }), 0);

    // Items of before the columns were there are found all the same.
    let before = count(Filter { rule: Some("consistency".into()), ..any() });
    let counted = house.read(|c| listing::count(c, &Filter::default(), By::Rule));
    let text_columns: Vec<String> = (0..12).map(|number| format!("text_{number} = -1")).collect();
    let sql = format!("UPDATE pending_posts SET rules = NULL, tainted = NULL, score_thousandths = NULL, {}", text_columns.join(", "));
    house.deck.write_blocking(move |c| c.exec(&sql, &[])).unwrap();
    assert_eq!(count(Filter { rule: Some("consistency".into()), ..any() }), before);
    assert_eq!(house.read(|c| listing::count(c, &Filter::default(), By::Rule)), counted);
    assert_eq!(count(Filter { tainted: Some(true), ..any() }), that(&|item| item.draft_metadata.tainted));
    assert_eq!(count(Filter { text: Some("seltsam".into()), ..any() }), 1);

    for sort in [Sort::Oldest, Sort::Newest, Sort::Expiry] {
        for filter in [Filter { sort, ..any() }, Filter { sort, subreddit: Some("place1".into()), ..any() }] {
            let (whole, mut joined, mut after) = (all(&filter), Vec::new(), None);
            loop {
                let page = house.page(&Filter { after: after.clone(), ..filter.clone() }, 7);
                joined.extend(page.lines.into_iter().map(|line| line.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(joined, whole, "{sort:?}");
        }
    }
}

#[test]
fn many_are_decided_at_once_and_what_needs_a_look_is_left_out() {
    let (house, ids, at) = mixed();
    let lines = house.page(&Filter::default(), 1_000).lines;
    let chosen: Vec<Chosen> = lines.iter().map(Chosen::from).collect();
    // Between the list and the decision bob claims one, and edits by hand another.
    house.act("bob", &ids[1], None, at, |c, on| queue::claim(c, on, &settings())).unwrap();
    house.act("bob", &ids[2], None, at, |c, on| moderation::team::skip(c, on, None)).unwrap();
    let audited = |house: &House| house.read(|c| Ok(audit::verify(c)?.rows));
    let rows_before = audited(&house);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ana = Actor::human("ana");
    let report = runtime.block_on(bulk::decide(&house.deck, &chosen, &Decision::Approve, &ana, at + 1, &settings()));
    let flagged = lines.iter().filter(|line| line.verdict != Verdict::Allow).count();
    assert!(flagged > 0);
    assert_eq!((report.decided, report.refused.len()), (chosen.len() - flagged - 2, flagged + 2));
    let why = |id: &str| report.refused.iter().find(|refused| refused.id == id).map(|refused| refused.reason.clone()).unwrap();
    assert!(why(&ids[1]).contains("claimed by bob"), "{}", why(&ids[1]));
    assert!(why(&ids[2]).contains("you saw version 1"), "{}", why(&ids[2]));
    let looked = lines.iter().find(|line| line.verdict == Verdict::Review).unwrap();
    assert!(why(&looked.id).contains("screening says review"), "{}", why(&looked.id));
    assert_eq!(audited(&house), rows_before + 2 * report.decided as i64, "a claim and an approval each; a refusal leaves no trace");
    assert_eq!((house.load(&looked.id).state, house.load(&looked.id).version), (State::Pending, 1));

    let strict = Settings { second_approver: SecondApprover::Always, ..settings() };
    let again = runtime.block_on(bulk::decide(&house.deck, &[Chosen::from(looked)], &Decision::Approve, &ana, at + 2, &strict));
    assert_eq!(again.decided, 0);
    let rest = house.page(&Filter { verdicts: vec![Verdict::Review], ..Filter::default() }, 1_000).lines;
    let chosen: Vec<Chosen> = rest.iter().map(Chosen::from).collect();
    let rejection = Decision::Reject { code: RejectCode::TooWeak, directive: Directive::Drop, note: Some("say more".into()) };
    let report = runtime.block_on(bulk::decide(&house.deck, &chosen, &rejection, &ana, at + 3, &settings()));
    assert_eq!((report.decided, report.refused.as_slice()), (rest.len(), [].as_slice()));
}

#[test]
fn the_program_counts_shows_and_decides_many() {
    let (house, ids, _) = mixed();
    let (code, shown) = house.program(&["queue", "bulk", "reject", "--reason", "too_weak", "--subreddit", "place1"]);
    assert_eq!((code, shown["matched"].as_u64(), shown["sample"].as_array().unwrap().len()), (0, Some(75), 10));
    let (_, counted) = house.program(&["queue", "count", "--by", "subreddit", "--subreddit", "r/place1"]);
    assert_eq!((counted["total"].as_u64(), counted["by"]["place1"].as_u64()), (Some(75), Some(75)), "nothing was decided without --yes");
    let (code, done) =
        house.program(&["queue", "bulk", "reject", "--reason", "too_weak", "--subreddit", "place1", "--limit", "70", "--yes"]);
    assert_eq!((code, done["decided"].as_u64(), done["refused"].as_array().unwrap().len()), (0, Some(70), 0));
    let file = house.directory.path().join("ids");
    std::fs::write(&file, format!("{} 1\n{} 7\nffffffff\n{} # again\n", ids[0], ids[2], ids[0])).unwrap();
    let (code, done) = house.program(&["queue", "bulk", "approve", "--ids-from", file.to_str().unwrap(), "--yes"]);
    assert_eq!((code, done["decided"].as_u64()), (3, Some(1)), "{done}");
    let reasons: Vec<&str> = done["refused"].as_array().unwrap().iter().map(|refused| refused["reason"].as_str().unwrap()).collect();
    assert!(reasons.len() == 2 && reasons[0].contains("no queue item") && reasons[1].contains("you saw version 7"), "{reasons:?}");
    let (code, next) = house.program(&["queue", "next", "--text", "seltsam"]);
    assert_eq!((code, next["item"]["id"].as_str(), next["item"]["lease_holder"].as_str()), (0, Some(ids[250].as_str()), Some("script")));
    let (code, next) = house.program(&["queue", "next", "--text", "nowhere to be found"]);
    assert_eq!((code, &next["item"]), (3, &Value::Null));
    let (_, mine) = house.program(&["queue", "list", "--mine"]);
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_clock_that_is_wrong_decides_nothing_twice_and_takes_nothing_in_silence() {
    let house = House::new();
    let now = SystemClock.now();
    let ids = house.fill(3, now, draft);
    let approve =
        |name: &str, id: &str, version, at| house.act(name, id, version, at, |c, on| decisions::approve(c, on, ACCOUNT, &settings()));
    // Behind: ana's console lags by ten minutes, and says so before it does anything.
    house.act("bob", &ids[0], None, now, |c, on| queue::claim(c, on, &settings())).unwrap();
    let behind = approve("ana", &ids[1], None, now - 10 * MINUTE).unwrap_err().to_string();
    assert!(behind.contains("clock is 10 min") && behind.contains("behind") && behind.contains("queue.claim by bob"), "{behind}");
    assert_eq!(house.load(&ids[1]).version, 1);
    // A minute is no reason to stop anybody, and a claim that runs by everybody's clock is not taken.
    let held = approve("ana", &ids[0], None, now - MINUTE).unwrap_err();
    assert!(matches!(held, Error::ClaimedByOther { .. }), "{held}");

    // Ahead: to cat's clock bob's claim is over. She gets it, and the log says from whom; bob's decision is refused by her name.
    let seen = house.load(&ids[0]).version;
    let (persona, id) = (house.persona.clone(), ids[0].clone());
    let cat = now + 10 * MINUTE;
    let taken = house.act("cat", &ids[0], None, cat, |c, on| queue::claim(c, on, &settings())).unwrap();
    let last = house.read(move |c| Ok(audit::history(c, "pending_post", &id)?.pop().unwrap()));
    assert_eq!(last.detail["after"]["taken_from"]["holder"], "bob", "{:?}", last.detail);
    let refused = approve("bob", &ids[0], Some(seen), now + MINUTE).unwrap_err().to_string();
    assert!(refused.contains("behind the newest entry") && refused.contains("cat"), "{refused}");
    approve("cat", &ids[0], Some(taken.version), cat).unwrap();
    let twice = approve("bob", &ids[0], Some(seen), cat + 1).unwrap_err().to_string();
    assert!(twice.contains("scheduled by cat"), "{twice}");
    let decided = house.read(move |c| {
        let sql = "SELECT count(*) AS n FROM audit_log WHERE persona_id = $1 AND action = 'queue.approve'";
        Ok(c.first(sql, vals![&persona])?.unwrap().int("n")?)
    });
    assert_eq!(decided, 1);
}

#[test]
fn a_clock_that_differs_from_the_servers_is_refused() {
    let house = House::new();
    let now = SystemClock.now();
    let on_server = matches!(house.deck.address(), Address::Postgres(_));
    for (off, word) in [(-10 * MINUTE, "behind"), (10 * MINUTE, "ahead of")] {
        let checked = house.deck.read_blocking(move |c| moderation::clock::against_server(c, now + off));
        match checked {
            Ok(()) => assert!(!on_server, "a file has one clock, a server has another"),
            Err(error) => assert!(on_server && error.to_string().contains(word), "{error}"),
        }
    }
    house.deck.read_blocking(move |c| moderation::clock::against_server(c, now)).unwrap();
}
