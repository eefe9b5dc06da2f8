//! Budgets that stop the loop's calls: nothing is asked that they do not allow, and what a crash leaves set aside is counted as spent.

use super::house::{House, ana};
use super::program::{Running, until};
use super::scripted::{Kind, Scripted, sensible};
use quarterdeck::base::{Clock as _, Picos, SystemClock, new_id};
use quarterdeck::llm::budget::outlook::{self, Outlook};
use quarterdeck::llm::budget::{Budget, Period, Scope, Threshold, book};
use quarterdeck::moderation::State;
use std::process::Command;

/// What the scripted model charges for each answer.
const CHARGED: i64 = 100_000_000;

impl House {
    async fn budget(&self, limit: Picos) {
        let budget = Budget {
            id: new_id(),
            name: "daily".to_owned(),
            scope: Scope::Global,
            period: Period::Day,
            zone: chrono_tz::Tz::UTC,
            limit,
            is_hard: true,
            thresholds: Threshold::usual(),
            unpriced_allowed: Vec::new(),
        };
        self.deck.write(move |c| book::set(c, &budget, &ana(), SystemClock.now())).await.unwrap();
    }

    async fn outlook(&self) -> Outlook {
        let mut all = self.deck.read(|c| outlook::all(c, SystemClock.now())).await.unwrap();
        all.pop().unwrap()
    }

    fn deck_command(&self, words: &[&str]) -> Command {
        super::program::command(self.directory.path(), &self.sandbox, None, words)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_budget_does_not_allow_is_not_asked_and_the_loop_goes_on_without_it() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.budget(Picos(1_000)).await;
    // More cycles than may fail in a row: that the money is spent is no defect, and does not end the loop.
    let (ended, _) = house.cycles(7).await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("the budget daily allows") && error.contains("quarterdeck budget set daily --limit"), "{error}");
    assert!(model.asked(Kind::Draft).is_empty(), "nothing was sent");
    let run = house.run().await;
    assert!(run.error_message.unwrap().contains("the budget daily"));

    let raised = super::program::finished(house.deck_command(&["budget", "set", "daily", "--limit", "5"])).await;
    assert!(raised.status.success(), "{}", String::from_utf8_lossy(&raised.stderr));
    house.cycles_until(&[&parent]).await;
    assert_eq!(house.item_for(&parent).await.state, State::Pending);
    let asked =
        i64::try_from(model.asked(Kind::Draft).len() + model.asked(Kind::Check).len() + model.asked(Kind::Proposals).len()).unwrap();
    let used = house.outlook().await.used;
    assert_eq!((used.spent, used.reserved), (Picos(asked * CHARGED), Picos::ZERO), "what was charged, to the last digit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_setting_aside_and_settling_counts_what_was_set_aside_as_spent() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.budget(Picos(5_000_000_000_000)).await;
    model.close();
    let program = || super::program::command(house.directory.path(), &house.sandbox, Some(&model.url), &["agent", "run"]);
    let killed = Running::start(program());
    model.arrival().await;
    let before = house.outlook().await.used;
    assert!(before.reserved > Picos::ZERO && before.spent == Picos::ZERO, "{before:?}");
    killed.signal("KILL");
    assert_eq!(killed.end().await.code(), None);
    let after = house.outlook().await.used;
    assert_eq!((after.reserved, after.spent, after.unknown), (before.reserved, Picos::ZERO, 0), "nothing is lost, nothing is given back");

    model.open();
    let next = Running::start(program());
    let (persona, wanted) = (house.persona.clone(), parent.clone());
    until("the draft", &house.deck, move |c| {
        let found =
            c.first("SELECT id FROM pending_posts WHERE persona_id = $1 AND parent_id = $2", quarterdeck::vals![&persona, &wanted])?;
        Ok(found.map(drop))
    })
    .await;
    next.signal("TERM");
    assert_eq!(next.end().await.code(), Some(0));
    let calls = house.deck.read(|c| c.query("SELECT outcome, cost_reported_picos FROM llm_calls", &[])).await.unwrap();
    let interrupted = calls.iter().filter(|row| row.text("outcome").unwrap() == "interrupted").count();
    let charged: i64 = calls.iter().filter_map(|row| row.int_opt("cost_reported_picos").unwrap()).sum();
    assert_eq!(interrupted, 1);
    let used = house.outlook().await.used;
    assert_eq!((used.reserved, used.unknown), (Picos::ZERO, 1));
    assert_eq!(used.spent.0, before.reserved.0 + charged, "what nobody knows counts as much as it might have cost");
}
