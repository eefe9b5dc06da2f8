//! What an agent remembers of what it said: by what it is about, not only by where and when.

use super::house::House;
use super::scripted::{Kind, Scripted, sensible};
use quarterdeck::memory::Author;
use quarterdeck::memory::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use quarterdeck::store::audit::Actor;

const OLD: &str = "The gauge at Aldwater shows that a flood wave runs down the valley in nine hours.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_about_it_elsewhere_and_long_ago_is_before_the_model() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let say = |number: i64, subreddit: &'static str, content: String| {
        house.act(move |c, persona, at| -> quarterdeck::moderation::Result<String> {
            let metadata = InteractionMetadata::default();
            let id = format!("t1_said{number}");
            let new = NewInteraction {
                content: &content,
                interaction_type: InteractionType::Comment,
                reddit_id: &id,
                subreddit,
                parent_id: None,
                metadata: &metadata,
            };
            Ok(interactions::log(c, persona, &new, &Author::new(&Actor::agent("DeckBot"), at - 1_000_000 + number))?)
        })
    };
    say(0, "hydrology", OLD.to_owned()).await;
    for number in 1..12 {
        say(number, "test", format!("Bread number {number} needs a warm kitchen and time.")).await;
    }
    house.services.search.as_ref().unwrap().follow().await.unwrap();
    let parent = house.post("Flood waves", "How many hours does a flood wave need down the valley, by the gauge?");
    house.cycles_until(&[&parent]).await;
    let prompts = model.asked(Kind::Draft);
    let prompt = prompts.iter().find(|prompt| prompt.contains("by the gauge?")).unwrap();
    assert!(prompt.contains(OLD), "{prompt}");
}
