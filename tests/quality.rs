//! The quality of review: golden items never leave, samples are drawn the same way again, what is overturned ends automatic posting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::memory::{self, PersonaConfig};
use quarterdeck::moderation::outbox::{self, Answer, Intent, Visibility};
use quarterdeck::moderation::quality::golden::{self, Expected, GoldenCase};
use quarterdeck::moderation::quality::labels::{self, Label};
use quarterdeck::moderation::quality::opinions::{self, Opinion};
use quarterdeck::moderation::quality::overturn::{self, Rate, Which};
use quarterdeck::moderation::quality::{salt, sampling};
use quarterdeck::moderation::{
    Directive, Error, Filter, Item, Mode, On, RejectCode, SecondApprover, Settings, State, decisions, item, mutes, pauses, queue, stats,
    team,
};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Conn, Database};

mod support;
use support::comment;

const T0: Millis = 1_700_000_000_000;
const DAY: Millis = 86_400_000;
const ACCOUNT: &str = "DemoAgentBot";
const CASE: &str = "subreddit = 'health'\ntitle = 'Headache'\npost = 'What shall I take?'\nauthor = 'ann'\ndraft = 'Take four of the blue ones, that always works.'";

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

struct Desk {
    deck: Database,
    persona: PersonaId,
    _directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (deck, directory) = quarterdeck::store::testing::database();
        let persona = deck
            .write_blocking(|c| {
                let actor = Actor::human("test");
                memory::personas::add(c, ACCOUNT, None, &PersonaConfig::default(), &memory::Author::new(&actor, T0))
                    .map(|persona| persona.id)
            })
            .unwrap();
        Self { deck, persona, _directory: directory }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Conn, &PersonaId) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let persona = self.persona.clone();
        self.deck.write_blocking(move |c| work(c, &persona))
    }

    fn add(&self, parent: &str, settings: Settings, at: Millis) -> String {
        let new = comment(parent, "a harmless remark about rivers");
        self.run(move |c, p| queue::enqueue(c, p, &new, &settings, &Actor::agent("loop"), at)).unwrap()
    }

    fn on<T: Send + 'static>(
        &self,
        actor: Actor,
        id: &str,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let id = id.to_owned();
        self.run(move |c, persona| work(c, &On { persona, id: &id, version: None, actor: &actor, at }))
    }

    fn by<T: Send + 'static>(
        &self,
        name: &str,
        id: &str,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.on(Actor::human(name), id, at, work)
    }

    fn approve(&self, name: &str, id: &str, at: Millis) -> Item {
        self.by(name, id, at, |c, on| decisions::approve(c, on, ACCOUNT, &settings())).unwrap()
    }

    fn load(&self, id: &str) -> Item {
        let id = id.to_owned();
        self.run(move |c, p| item::load(c, p, &id)).unwrap()
    }

    fn intent(&self, id: &str, mode: Mode, at: Millis) -> Intent {
        let id = id.to_owned();
        self.run(move |c, p| outbox::commit_intent(c, p, &id, ACCOUNT, mode, at)).unwrap()
    }

    /// Approved by the machine, sent, and seen in public.
    fn automatic(&self, parent: &str, percent: i64, seen: Visibility) -> String {
        let id = self.add(parent, settings(), T0);
        let sampled = Settings { sample_percent: percent, ..settings() };
        self.on(Actor::agent(ACCOUNT), &id, T0, move |c, on| decisions::approve_automatically(c, on, ACCOUNT, &sampled)).unwrap();
        let Intent::Go(_, attempt) = self.intent(&id, Mode::Sandbox, T0 + 60_000) else { panic!("not due") };
        let fullname = format!("t1_x{}", parent.trim_start_matches("t3_"));
        let target = id.clone();
        self.run(move |c, p| {
            outbox::settle(c, p, &attempt, &Answer::Confirmed { fullname, permalink: None }, T0 + 61_000)?;
            outbox::record_visibility(c, p, &target, Some((seen, "removed by moderator".into())), T0 + 61_000 + DAY)
        })
        .unwrap();
        id
    }

    fn allow_automatic(&self) {
        self.run(|c, p| {
            let actor = Actor::human("ana");
            Ok(memory::settings::set(c, p, "auto_posting_enabled", true.into(), &memory::Author::new(&actor, T0))?)
        })
        .unwrap();
    }

    fn is_automatic(&self) -> bool {
        self.run(|c, p| Ok(memory::settings::auto_posting_enabled(c, p)?)).unwrap()
    }

    /// A case in store, and one golden item made from it; the ordinary ones beside which it was drawn are decided.
    fn golden(&self, expected: &[Expected]) -> String {
        let expected = expected.to_vec();
        self.run(move |c, p| golden::add(c, p, &GoldenCase::from_toml(CASE)?, &expected, "medical advice", &Actor::human("lead"), T0))
            .unwrap();
        self.more_golden(1).remove(0)
    }

    fn more_golden(&self, wanted: usize) -> Vec<String> {
        let half = Settings { golden_per_hundred: 50, ..settings() };
        let before = self.list(&[]).len();
        for number in 0..1_000 {
            let id = self.add(&format!("t3_side{number}x{before}"), half.clone(), T0);
            self.by("clerk", &id, T0 + 1, |c, on| decisions::reject(c, on, RejectCode::OffTopic, Directive::Drop, None, &settings()))
                .unwrap();
            let golden: Vec<String> =
                self.list(&[]).into_iter().filter(|line| line.target_subreddit == "health").map(|line| line.id).collect();
            if golden.len() >= wanted {
                return golden;
            }
        }
        panic!("none was drawn");
    }

    fn list(&self, states: &[State]) -> Vec<item::Line> {
        let states = states.to_vec();
        self.run(move |c, _| item::list(c, &Filter { states, ..Filter::default() }, 10_000)).unwrap()
    }

    fn stats(&self, now: Millis) -> stats::Stats {
        self.run(move |c, _| stats::stats(c, None, T0 - 1, now)).unwrap()
    }

    fn metric(&self, name: &str) -> (Option<f64>, usize) {
        let found = self.stats(T0 + 3_600_000);
        found.metrics.iter().find(|metric| metric.name == name).map(|metric| (metric.value, metric.n)).unwrap()
    }
}

#[test]
fn a_golden_item_looks_like_any_other_and_stands_in_no_way() {
    let desk = Desk::new();
    let id = desk.golden(&[Expected::Reject]);
    let item = desk.load(&id);
    let other = desk.load(&desk.add("t3_other", settings(), T0));
    let keys = |item: &Item| serde_json::to_value(item).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&item), keys(&other));
    let shown = serde_json::to_string(&item).unwrap();
    assert!(!shown.contains("golden") && !shown.contains("medical advice"), "{shown}");
    let history = desk.run(move |c, _| Ok(audit::history(c, "pending_post", &id)?)).unwrap();
    assert_eq!(history.iter().map(|row| (row.action.as_str(), row.actor.as_str())).collect::<Vec<_>>(), [("queue.add", "loop")]);
    let log = serde_json::to_string(&desk.run(|c, _| Ok(audit::newest(c, None, 1_000)?)).unwrap()).unwrap();
    assert!(!log.contains("medical advice"), "the log does not tell the answer");
    assert_ne!(item.parent_id.as_deref(), Some("t3_aaaaaaa"), "it answers nothing real");
    assert_eq!(item.parent_id, item.thread_id);
}

#[test]
fn an_approved_golden_item_is_scheduled_like_any_other_and_never_leaves() {
    let desk = Desk::new();
    let id = desk.golden(&[Expected::Reject]);
    let approved = desk.approve("ana", &id, T0 + 1_000);
    assert_eq!((approved.state, approved.not_before), (State::Scheduled, Some(T0 + 31_000)), "the reviewer sees the usual answer");
    assert!(matches!(desk.intent(&id, Mode::Sandbox, T0 + 30_000), Intent::NotDue));
    assert!(matches!(desk.intent(&id, Mode::DryRun, T0 + 40_000), Intent::DryRun), "a dry run does not tell it apart");
    let all = || pauses::Scope::All;
    desk.run(move |c, _| pauses::pause(c, &all(), "stop", None, &Actor::human("ana"), T0)).unwrap();
    assert!(matches!(desk.intent(&id, Mode::Live, T0 + 40_000), Intent::Paused(_)), "nor does a pause");
    desk.run(move |c, _| pauses::resume(c, &all(), &Actor::human("ana"), T0)).unwrap();
    for mode in [Mode::Sandbox, Mode::Live] {
        assert!(!matches!(desk.intent(&id, mode, T0 + 40_000), Intent::Go(..)));
    }
    let gone = desk.load(&id);
    assert_eq!(gone.state, State::Expired);
    assert!(gone.state_reason.unwrap().starts_with("what it answers was deleted or removed"));
    let target = id.clone();
    assert!(desk.run(move |c, p| outbox::attempts(c, p, &target)).unwrap().is_empty(), "no attempt was ever made");
    for resolution in [decisions::Resolution::Resend, decisions::Resolution::Sent { fullname: "t1_x".into() }] {
        assert!(desk.by("bob", &id, T0 + 50_000, move |c, on| decisions::resolve(c, on, &resolution, &settings())).is_err());
    }
}

#[test]
fn no_path_brings_a_golden_item_to_the_outside() {
    // Approved by the machine, by two people, after an edit, after an undo: each time the intent is refused.
    let paths: [fn(&Desk, &str); 4] = [
        |desk, id| {
            let _ = desk.on(Actor::agent(ACCOUNT), id, T0 + 1, |c, on| decisions::approve_automatically(c, on, ACCOUNT, &settings()));
        },
        |desk, id| {
            for name in ["ana", "bob"] {
                let strict = Settings { second_approver: SecondApprover::Always, ..settings() };
                desk.by(name, id, T0 + 1, move |c, on| decisions::approve(c, on, ACCOUNT, &strict)).unwrap();
            }
        },
        |desk, id| {
            let text = "Please ask a doctor about that.";
            desk.by("ana", id, T0 + 1, move |c, on| decisions::edit(c, on, None, text, &support::screened(text), &settings())).unwrap();
            desk.approve("ana", id, T0 + 2);
        },
        |desk, id| {
            desk.approve("ana", id, T0 + 1);
            desk.by("ana", id, T0 + 2, |c, on| decisions::undo(c, on)).unwrap();
            desk.approve("bob", id, T0 + 3);
        },
    ];
    for path in paths {
        let desk = Desk::new();
        let id = desk.golden(&[Expected::Reject]);
        path(&desk, &id);
        assert!(!matches!(desk.intent(&id, Mode::Live, T0 + 400_000), Intent::Go(..)));
        assert!(!matches!(desk.intent(&id, Mode::Sandbox, T0 + 400_000), Intent::Go(..)));
        assert!(!desk.load(&id).state.may_be_public(), "{}", desk.load(&id).state);
        assert!(desk.run(|c, p| outbox::due(c, p, T0 + 400_000)).unwrap().send.is_empty());
    }
}

#[test]
fn nothing_follows_from_a_golden_item() {
    let desk = Desk::new();
    let first = desk.golden(&[Expected::Reject]);
    let before = desk.metric("arrival rate").1;
    for (name, directive) in
        [("ana", Directive::MuteThread), ("bob", Directive::MuteUser), ("cem", Directive::Redraft), ("dee", Directive::FixBelief)]
    {
        let id = if name == "ana" { first.clone() } else { desk.more_golden(1).remove(0) };
        let rejected = desk
            .by(name, &id, T0 + 1_000, move |c, on| {
                decisions::reject(c, on, RejectCode::TooRisky, directive, Some("no medicine"), &settings())
            })
            .unwrap();
        assert_eq!(rejected.state, State::Rejected);
        let (thread, author) = (rejected.thread_id.clone(), rejected.parent_author.clone().unwrap());
        let muted = desk.run(move |c, p| mutes::reason(c, p, thread.as_deref(), &author, "health")).unwrap();
        assert_eq!(muted, None, "{directive}");
    }
    assert!(
        desk.run(|c, p| decisions::recent_corrections(c, p, 50)).unwrap().iter().all(|correction| !correction.reason.contains("medicine"))
    );
    assert!(desk.run(|c, p| decisions::redrafts_wanted(c, p, 50)).unwrap().is_empty());
    let sides = desk.list(&State::ALL).iter().filter(|line| line.target_subreddit == "test").count();
    let found = desk.stats(T0 + 3_600_000);
    let metric = |name: &str| found.metrics.iter().find(|metric| metric.name == name).unwrap();
    assert_eq!(metric("arrival rate").n, sides, "only the ordinary ones arrived");
    assert_eq!((metric("rejected").n, metric("depth").n), (sides, 0));
    assert!(before <= metric("arrival rate").n);
    assert!(!found.subreddits.contains_key("health") && found.rules.is_empty());
}

#[test]
fn results_are_private_late_and_never_few() {
    let desk = Desk::new();
    desk.golden(&[Expected::Reject, Expected::Return]);
    let ids = desk.more_golden(24);
    for (number, id) in ids.iter().enumerate() {
        let id = id.clone();
        match number {
            0..3 => drop(desk.approve("ana", &id, T0 + 10)),
            3..5 => drop(desk.by("ana", &id, T0 + 10, |c, on| queue::return_to_agent(c, on, "not medicine", &settings())).unwrap()),
            23.. => drop(desk.by("bob", &id, T0 + 10, |c, on| team::escalate(c, on, "lead", "?")).unwrap()),
            _ => drop(
                desk.by("ana", &id, T0 + 10, |c, on| decisions::reject(c, on, RejectCode::TooRisky, Directive::Drop, None, &settings()))
                    .unwrap(),
            ),
        }
    }
    // An approval that is taken back is no decision yet.
    desk.by("ana", &ids[0], T0 + 20, |c, on| decisions::undo(c, on)).unwrap();
    let mine = |name: &'static str, now| desk.run(move |c, _| golden::mine(c, name, T0, now)).unwrap();
    assert_eq!(mine("ana", T0 + 1_000), None, "not on the same day");
    let ana = mine("ana", T0 + DAY + 1_000).unwrap();
    assert_eq!((ana.right, ana.wrong), (20, 2));
    assert_eq!(mine("bob", T0 + DAY + 1_000), None, "too few to say");
    let sum = desk.run(|c, _| golden::sum(c, None, T0, T0 + DAY + 1_000)).unwrap().unwrap();
    assert_eq!((sum.right, sum.wrong), (20, 3));
    let own = desk.run(|c, _| stats::mine(c, "ana", T0 - 1, T0 + DAY + 1_000)).unwrap();
    assert_eq!((own.items, own.golden), (23, Some(ana)));
    assert!(!serde_json::to_string(&desk.stats(T0 + DAY + 1_000)).unwrap().contains("ana"), "the team's numbers name nobody");
}

#[test]
fn samples_are_drawn_the_same_way_again_and_judged_by_a_person() {
    let desk = Desk::new();
    let ids: Vec<String> = (0..40).map(|number| desk.automatic(&format!("t3_a{number}"), 30, Visibility::Visible)).collect();
    let salt = desk.run(|c, _| salt(c)).unwrap();
    let waiting: Vec<String> = desk.run(|c, _| sampling::waiting(c, None, 100)).unwrap().into_iter().map(|item| item.id).collect();
    let mut expected: Vec<&String> = ids.iter().filter(|id| sampling::is_picked(&salt, id, 30)).collect();
    expected.sort();
    assert_eq!(waiting.iter().collect::<Vec<_>>(), expected);
    assert!((2..30).contains(&waiting.len()), "{}", waiting.len());
    let own =
        desk.on(Actor::human(ACCOUNT), &waiting[0], T0 + DAY, |c, on| opinions::judge(c, on, Opinion::Agree, None, None, &settings()));
    assert!(matches!(own, Err(Error::SecondPersonNeeded { .. })));
    desk.by("ana", &waiting[0], T0 + DAY, |c, on| opinions::judge(c, on, Opinion::Agree, None, None, &settings())).unwrap();
    desk.by("ana", &waiting[1], T0 + DAY, |c, on| {
        opinions::judge(c, on, Opinion::Overturn, Some(Label::TooWeak), Some("says nothing"), &settings())
    })
    .unwrap();
    let precision = desk.run(|c, p| sampling::precision(c, Some(p), T0)).unwrap();
    assert_eq!((precision.picked, precision.agreed, precision.overturned), (waiting.len(), 1, 1));
    assert_eq!(desk.run(|c, _| sampling::waiting(c, None, 100)).unwrap().len(), waiting.len() - 2);
    let found = desk.stats(T0 + 2 * DAY);
    let metric = found.metrics.iter().find(|metric| metric.name == "auto precision").unwrap();
    assert_eq!((metric.value, metric.n), (Some(0.5), 2));
    let (low, high) = metric.interval.unwrap();
    assert!(low < 0.1 && high > 0.9, "two cases say next to nothing: {low} {high}");
    assert_eq!(desk.run(labels_recent).unwrap(), ["too_weak: says nothing"]);
    let undecided = desk.add("t3_open", settings(), T0);
    let early = desk.by("ana", &undecided, T0, |c, on| opinions::judge(c, on, Opinion::Agree, None, None, &settings()));
    assert!(matches!(early, Err(Error::WrongState { .. })));
}

fn labels_recent(c: &mut dyn Conn, persona: &PersonaId) -> Result<Vec<String>, Error> {
    Ok(labels::recent(c, persona, 10)?.into_iter().map(|correction| correction.reason).collect())
}

#[test]
fn overturned_samples_end_automatic_posting_and_the_log_says_why() {
    let desk = Desk::new();
    desk.allow_automatic();
    let ids: Vec<String> = (0..12).map(|number| desk.automatic(&format!("t3_a{number}"), 100, Visibility::Visible)).collect();
    for (number, id) in ids.iter().enumerate() {
        let opinion = if number == 3 { Opinion::Overturn } else { Opinion::Agree };
        desk.by("ana", id, T0 + DAY, move |c, on| opinions::judge(c, on, opinion, None, None, &settings())).unwrap();
    }
    assert!(desk.is_automatic(), "one of twelve is not more than 15 %");
    desk.by("bob", &ids[7], T0 + DAY, |c, on| labels::put(c, on, Label::TooRisky, None, &settings())).unwrap();
    assert!(!desk.is_automatic(), "two of twelve are");
    assert_eq!(desk.run(|c, p| overturn::rate(c, p, Which::All)).unwrap(), Rate { overturned: 2, of: 12 });
    let log = desk.run(|c, _| Ok(audit::newest(c, None, 5)?)).unwrap();
    let row = log.iter().find(|row| row.action == "persona.stop_auto_posting").unwrap();
    assert_eq!(row.actor_kind, "system");
    assert_eq!(row.reason.as_deref(), Some("2 of the newest 12 sampled automatic approvals were overturned, more than 15 %"));
    assert_eq!((row.detail["after"]["overturned"].as_i64(), row.detail["after"]["of"].as_i64()), (Some(2), Some(12)));
    let verified = desk.run(|c, _| Ok(audit::verify(c)?)).unwrap();
    assert!(verified.problems.is_empty());
}

#[test]
fn removals_overturn_as_well_and_what_people_approved_is_left_out() {
    let desk = Desk::new();
    desk.allow_automatic();
    for number in 0..11 {
        let seen = if number < 2 { Visibility::Filtered } else { Visibility::Visible };
        desk.automatic(&format!("t3_a{number}"), 0, seen);
    }
    assert!(desk.is_automatic(), "survival alone allows a quarter");
    assert!(desk.run(|c, p| overturn::look(c, p, 15, T0)).unwrap());
    assert!(!desk.is_automatic());
    assert!(!desk.run(|c, p| overturn::look(c, p, 15, T0)).unwrap(), "what has ended does not end again");
    let found = desk.stats(T0 + 2 * DAY).subreddits["test"].clone();
    assert_eq!((found.sent, found.survived_24h, found.settled, found.filtered), (11, 9, 11, 2));
    assert_eq!(found.removed_by_category.get("moderator"), Some(&2));
}

#[test]
fn a_label_is_one_per_reviewer_the_latest_wins_and_the_log_keeps_both() {
    let desk = Desk::new();
    let id = desk.automatic("t3_a", 0, Visibility::Visible);
    let put = |name: &str, label, note: Option<&'static str>, at| {
        desk.by(name, &id, at, move |c, on| labels::put(c, on, label, note, &settings())).unwrap()
    };
    put("ana", Label::Good, Some("fine"), T0 + 1);
    put("ana", Label::OffPersona, Some("she never jokes"), T0 + 2);
    put("bob", Label::Good, Some("liked it"), T0 + 3);
    let target = id.clone();
    let found = desk.run(move |c, p| labels::of(c, p, &target)).unwrap();
    assert_eq!(
        found.iter().map(|label| (label.reviewer.as_str(), label.label.as_str())).collect::<Vec<_>>(),
        [("ana", "off_persona"), ("bob", "good")]
    );
    assert_eq!(desk.run(labels_recent).unwrap(), ["off_persona: she never jokes"], "praise is no correction");
    let target = id.clone();
    let history = desk.run(move |c, _| Ok(audit::history(c, "pending_post", &target)?)).unwrap();
    assert_eq!(history.iter().filter(|row| row.action == "queue.label").count(), 3);
    let counts = desk.stats(T0 + DAY).labels;
    assert_eq!((counts["good"], counts["off_persona"], counts["bad"]), (1, 1, 0));
    let open = desk.add("t3_b", settings(), T0);
    let early = desk.by("ana", &open, T0, |c, on| labels::put(c, on, Label::Bad, None, &settings()));
    assert!(matches!(early, Err(Error::WrongState { .. })));
}

#[test]
fn two_people_on_one_item_agree_or_not() {
    let desk = Desk::new();
    for number in 0..24 {
        let id = desk.add(&format!("t3_p{number}"), settings(), T0);
        // Ana approves twelve and rejects twelve; Bob agrees with nine of each.
        if number < 12 {
            desk.approve("ana", &id, T0 + 1);
        } else {
            desk.by("ana", &id, T0 + 1, |c, on| decisions::reject(c, on, RejectCode::Tone, Directive::Drop, None, &settings())).unwrap();
        }
        let opinion = if number % 4 == 0 { Opinion::Overturn } else { Opinion::Agree };
        desk.by("bob", &id, T0 + 2, move |c, on| opinions::judge(c, on, opinion, None, None, &settings())).unwrap();
        // A third opinion makes no second pair.
        desk.by("cem", &id, T0 + 3, |c, on| opinions::judge(c, on, Opinion::Agree, None, None, &settings())).unwrap();
    }
    assert_eq!(desk.metric("agreement"), (Some(0.75), 24));
    assert_eq!(desk.metric("kappa"), (Some(0.5), 24));
    let strict = || Settings { second_approver: SecondApprover::Always, ..settings() };
    let id = desk.add("t3_two", settings(), T0);
    for name in ["ana", "bob"] {
        desk.by(name, &id, T0 + 4, move |c, on| decisions::approve(c, on, ACCOUNT, &strict())).unwrap();
    }
    assert_eq!(desk.metric("agreement").1, 25, "two approvals are two opinions");
}

#[test]
fn a_reviewers_own_numbers_are_as_reckoned_by_hand() {
    let desk = Desk::new();
    let mut ids: Vec<String> = (0..2).map(|number| desk.add(&format!("t3_m{number}"), settings(), T0)).collect();
    let mut steering = comment("t3_m2", "a harmless remark about rivers");
    steering.draft_metadata.tainted = true;
    ids.push(desk.run(move |c, p| queue::enqueue(c, p, &steering, &settings(), &Actor::agent("loop"), T0)).unwrap());
    // Words of a thread are not taken for the mark itself.
    let mut quoting = comment("t3_m3", "a harmless remark about rivers");
    quoting.draft_metadata.model = Some("\"tainted\":true".into());
    let quoting = desk.run(move |c, p| queue::enqueue(c, p, &quoting, &settings(), &Actor::agent("loop"), T0)).unwrap();
    let claim = |id: &str, at| desk.by("ana", id, at, |c, on| queue::claim(c, on, &settings())).unwrap();
    claim(&ids[0], T0);
    claim(&ids[0], T0 + 50_000);
    desk.approve("ana", &ids[0], T0 + 200_000);
    claim(&ids[1], T0 + 300_000);
    desk.approve("ana", &ids[1], T0 + 330_000);
    // After a break of twenty minutes.
    claim(&ids[2], T0 + 1_530_000);
    claim(&quoting, T0 + 1_530_000);
    desk.approve("bob", &desk.add("t3_other", settings(), T0), T0 + 5);
    let mine = desk.run(|c, _| stats::mine(c, "ana", T0 - 1, T0 + DAY)).unwrap();
    assert_eq!((mine.items, mine.handling, mine.longest_run, mine.severe), (2, 50_000 + 60_000 + 30_000, 330_000, 1));
    let rules = desk.stats(T0 + DAY).rules;
    assert!(rules.is_empty(), "nothing was flagged");
}

#[test]
fn rules_are_compared_with_what_people_decided() {
    let desk = Desk::new();
    let flagged = |parent: &str| {
        let mut new = comment(parent, "a harmless remark about rivers");
        new.evaluation.hits = ["length", "length", "tone"]
            .map(|rule| quarterdeck::moderation::Hit {
                rule_id: rule.into(),
                rule_version: 1,
                severity: quarterdeck::moderation::Verdict::Review,
                weight: 0.1,
                spans: vec![],
                message: "x".into(),
                evidence: None,
            })
            .to_vec();
        desk.run(move |c, p| queue::enqueue(c, p, &new, &settings(), &Actor::agent("loop"), T0)).unwrap()
    };
    let ids: Vec<String> = ["t3_1", "t3_2", "t3_3"].map(flagged).to_vec();
    desk.approve("ana", &ids[0], T0 + 1);
    desk.by("ana", &ids[1], T0 + 1, |c, on| decisions::reject(c, on, RejectCode::Tone, Directive::Drop, None, &settings())).unwrap();
    let rules = desk.stats(T0 + DAY).rules;
    for rule in ["length", "tone"] {
        assert_eq!((rules[rule].hits, rules[rule].agreed, rules[rule].overturned), (3, 1, 1), "{rule}");
    }
}

/// `cargo test --release --test quality -- --ignored --nocapture`: the numbers over 100,000 rows of the log.
#[test]
#[ignore = "takes a while"]
fn a_long_log_is_counted_in_a_second() {
    let desk = Desk::new();
    for first in (0..25_000).step_by(1_000) {
        desk.run(move |c, p| {
            for number in first..first + 1_000 {
                let agent = Actor::agent("loop");
                let id =
                    queue::enqueue(c, p, &comment(&format!("t3_{number}"), "a harmless remark about rivers"), &settings(), &agent, T0)?;
                let actor = Actor::human(["ana", "bob"][number % 2]);
                let on = On { persona: p, id: &id, version: None, actor: &actor, at: T0 + 1_000 };
                queue::claim(c, &on, &settings())?;
                queue::claim(c, &On { at: T0 + 2_000, ..on.clone() }, &settings())?;
                decisions::approve(c, &On { at: T0 + 3_000, ..on }, ACCOUNT, &settings())?;
            }
            Ok(())
        })
        .unwrap();
    }
    let rows = desk.run(|c, _| Ok(c.first("SELECT count(*) AS n FROM audit_log", &[])?.map_or(0, |row| row.int("n").unwrap()))).unwrap();
    let begin = std::time::Instant::now();
    let found = desk.stats(T0 + 3_600_000);
    let team = begin.elapsed();
    let begin = std::time::Instant::now();
    let mine = desk.run(|c, _| stats::mine(c, "ana", T0 - 1, T0 + DAY)).unwrap();
    eprintln!("{rows} rows: {team:?} for all, {:?} for one reviewer's own", begin.elapsed());
    assert_eq!((found.metrics.iter().find(|metric| metric.name == "approved").unwrap().n, mine.items), (25_000, 12_500));
}
