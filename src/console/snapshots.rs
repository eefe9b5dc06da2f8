//! Every screen as it is drawn: its words at two sizes, and how they look in each class of theme.
//!
//! Real keys on the real deck with a clock that stands still; times and ids, which differ from run to run, are masked. After a change that
//! is meant, `INSTA_UPDATE=always cargo test snapshots` writes the files anew; look at the difference before it is committed.
#![allow(clippy::unwrap_used)]

use super::request::{self, Desk, Request};
use super::state::State;
use super::theme::{Depth, Glyphs, Theme};
use super::{draw, memory, run, tabs, update};
use crate::base::{Millis, Picos, TestClock};
use crate::config;
use crate::deck::Deck;
use crate::llm::budget::{Admission, Budget, Period, Scope, Threshold, admission, book};
use crate::llm::ledger::Category;
use crate::memory::Author;
use crate::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};
use crate::moderation::{DraftMetadata, NewItem, PostType, ThreadEntry, queue};
use crate::store::Conn;
use crate::store::audit::Actor;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

const NOW: Millis = 1_774_000_000_000;
const TEXTS: [&str; 4] = [
    "The gauge at the old bridge has fallen since March; the casino upstream takes nothing from the river.",
    "Boats go down the lakes 湖水 in spring, 🚣 as they did before the dam. مرحبا.",
    "A third remark, about seas.",
    "A fourth remark, about the sea.",
];

/// Name of the screen, and the keys that lead to it from a fresh console.
const SCREENS: [(&str, &str); 14] = [
    ("list", ""),
    ("case", "<enter>"),
    ("filter", "/about"),
    ("filter with a fault", "/verdict:maybe"),
    ("reject", "r"),
    ("reject with a note", "r5not here"),
    ("edit", "e and a casino"),
    ("difference", "je and more<f2>d"),
    ("confirm", "xxa"),
    ("palette", ":kill"),
    ("metrics", "M"),
    ("messages", "uL"),
    ("audit log", "ga"),
    ("a row of the audit log", "gaj<enter>"),
];

/// The same for the tabs beside the queue, on the world of the demonstration.
const DEMO_SCREENS: [(&str, &str); 19] = [
    ("beliefs", "gb"),
    ("a belief and its neighbours", "gbjv"),
    ("beliefs three weeks ago", "gb{{{"),
    ("beliefs filtered", "gb/is:locked"),
    ("a search that was not asked yet", "gs"),
    ("results of a search", "gsevidence<enter>"),
    ("results narrowed", "gsprivacy kind:belief<enter>"),
    ("a search with a fault", "gsconfidence>high"),
    ("gauges of a day", "gc"),
    ("gauges of a month", "gc++"),
    ("gauges of a month by module", "gc++bjS"),
    ("gauges of the past week", "gc+<"),
    ("gauges of a week, paused", "gc+ "),
    ("the calls behind a number", "gc++<enter>j"),
    ("a call", "gc++<enter>jj<enter>"),
    ("health", "gh"),
    ("health filtered, and a healthy system unfolded", "gh/textbook<enter>z"),
    ("care that others feel", "ghp"),
    ("what changed before a line broke", "gh<enter>"),
];

struct Console {
    desk: Arc<Desk>,
    state: State,
    ids: Vec<String>,
    _directory: tempfile::TempDir,
}

fn draft(text: &str, number: usize) -> NewItem {
    let consistency = Some(ConsistencyResult::NotNeeded);
    let around = Surroundings { consistency: consistency.as_ref(), tainted: false };
    NewItem {
        post_type: PostType::Comment,
        target_subreddit: "rivers".into(),
        parent_id: Some(format!("t3_parent{number}")),
        thread_id: Some(format!("t3_parent{number}")),
        parent_author: Some("reader".into()),
        title: None,
        content: text.into(),
        evaluation: evaluate(Outgoing { title: None, content: text }, around),
        draft_metadata: DraftMetadata {
            thread: vec![ThreadEntry {
                fullname: format!("t3_parent{number}"),
                author: "reader".into(),
                title: Some("Who knows the gauges?".into()),
                body: "The maps say one thing, and the river another.".into(),
                permalink: None,
            }],
            consistency,
            ..DraftMetadata::default()
        },
        correlation_id: "test".into(),
    }
}

impl Console {
    async fn open(width: u16, height: u16) -> Self {
        Self::start(width, height, |c| {
            let mut ids = Vec::new();
            let persona = crate::memory::seed::apply(c, &Author::new(&Actor::system("test"), NOW)).unwrap().persona;
            for (number, text) in TEXTS.iter().enumerate() {
                let at = NOW - 600_000 + 61_000 * i64::try_from(number).unwrap();
                let id = queue::enqueue(c, &persona, &draft(text, number), &Default::default(), &Actor::agent("loop"), at).unwrap();
                ids.push(id);
            }
            ids
        })
        .await
    }

    async fn open_demo(width: u16, height: u16) -> Self {
        Self::start(width, height, |c| {
            crate::memory::demo_world::apply(c, NOW, 7, &Actor::system("test")).unwrap();
            Vec::new()
        })
        .await
    }

    async fn start(width: u16, height: u16, fill: fn(&mut dyn Conn) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("config.toml"), "").unwrap();
        let request = config::Request {
            config: Some(path("config.toml")),
            data_dir: Some(path("data")),
            database: Some(format!("sqlite:{}", path("deck.db").display())),
            ..config::Request::default()
        };
        let settings = config::load(&request).settings().unwrap();
        let clock = TestClock::at(NOW);
        let deck = Deck::open(settings, Arc::new(clock.clone())).unwrap();
        let ids = deck.db.write(move |c| Ok::<_, crate::store::Error>(fill(c))).await.unwrap();
        let desk = request::desk(deck, Actor::human("ana"), None);
        let mut state = run::state(&desk, None, false);
        // What the machine that runs this says of its terminal and its person does not count.
        state.memory = memory::Memory::default();
        (state.said, state.unread) = (Vec::new(), 0);
        (state.width, state.height) = (width, height);
        let mut console = Self { desk, state, ids, _directory: directory };
        console.look("dark", Depth::True, Glyphs::UNICODE);
        let first = tabs::persona_changed(&mut console.state);
        console.answer(first).await;
        console
    }

    fn look(&mut self, theme: &str, depth: Depth, glyphs: Glyphs) {
        (self.state.theme, self.state.glyphs) = (Theme::load(Path::new("/nowhere"), theme, depth).0, glyphs);
    }

    /// Answer what was asked, and what follows from the answers.
    async fn answer(&mut self, requests: Vec<Request>) {
        let mut open: std::collections::VecDeque<Request> = requests.into();
        while let Some(request) = open.pop_front() {
            let reply = super::health::tests::fixed(self.desk.answer(request).await, NOW);
            self.state.now = self.desk.deck.clock.now();
            open.extend(update::reply(&mut self.state, reply));
            open.extend(tabs::caught_up(&mut self.state));
        }
    }

    async fn press(&mut self, keys: &str) {
        let mut rest = keys;
        while let Some(letter) = rest.chars().next() {
            let named = [("<enter>", KeyCode::Enter), ("<esc>", KeyCode::Esc), ("<f2>", KeyCode::F(2))];
            let (code, length) = named
                .into_iter()
                .find(|(name, _)| rest.starts_with(name))
                .map_or((KeyCode::Char(letter), letter.len_utf8()), |(name, code)| (code, name.len()));
            rest = &rest[length..];
            let requests = update::event(&mut self.state, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
            self.answer(requests).await;
        }
    }

    fn picture(&mut self) -> Buffer {
        // How long a search took differs from run to run, and with it the width of what says so.
        self.state.search.shown.took = std::time::Duration::ZERO;
        let mut terminal = Terminal::new(TestBackend::new(self.state.width, self.state.height)).unwrap();
        terminal.draw(|frame| draw::draw(&mut self.state, frame)).unwrap();
        terminal.backend().buffer().clone()
    }
}

/// The words of a screen, with times and ids masked.
fn words(console: &mut Console) -> String {
    let buffer = console.picture();
    let area = buffer.area;
    let mut text = String::new();
    for y in 0..area.height {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // What lies over a line may leave the beginning of an id.
    let shorts: Vec<String> = console.ids.iter().map(|id| crate::base::short(id).to_owned()).collect();
    for length in (5..=8).rev() {
        for short in &shorts {
            text = text.replace(&short[..length], &"1d1d1d1d"[..length]);
        }
    }
    let ids = regex::Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let dates = regex::Regex::new(r"\d{4}-\d{2}-\d{2}").unwrap();
    let times = regex::Regex::new(r"\d{2}:\d{2}").unwrap();
    let shorts = regex::Regex::new(r"\b[0-9a-f]{8}\b").unwrap();
    // The beginning of an id that was cut off.
    let cut = regex::Regex::new(r"\b01[0-9a-f]{0,5}…").unwrap();
    let milliseconds = regex::Regex::new(r"\d+(\.\d+)? (ms|µs)").unwrap();
    let text = ids.replace_all(&text, "1d1d1d1d-0000-0000-0000-000000000000");
    let text = shorts.replace_all(&text, "1d1d1d1d");
    let text = cut.replace_all(&text, "1d…");
    let text = milliseconds.replace_all(&text, "0 ms");
    let text = dates.replace_all(&text, "2026-01-01");
    times.replace_all(&text, "00:00").into_owned()
}

/// How each cell looks: a letter a style, runs of a line counted, with what the letters mean.
fn looks(buffer: &Buffer) -> String {
    let mut styles: Vec<Style> = Vec::new();
    let mut map = String::new();
    for y in 0..buffer.area.height {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for x in 0..buffer.area.width {
            let style = buffer[(x, y)].style();
            let place = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            match runs.last_mut() {
                Some((last, count)) if *last == place => *count += 1,
                _ => runs.push((place, 1)),
            }
        }
        for (place, count) in runs {
            write!(map, "{}{count}", char::from(b'a' + u8::try_from(place).unwrap())).unwrap();
        }
        map.push('\n');
    }
    for (place, style) in styles.iter().enumerate() {
        let color = |color: Option<ratatui::style::Color>| color.map_or_else(String::new, |color| color.to_string());
        writeln!(
            map,
            "{}: {} on {} {:?}",
            char::from(b'a' + u8::try_from(place).unwrap()),
            color(style.fg),
            color(style.bg),
            style.add_modifier
        )
        .unwrap();
    }
    map
}

#[tokio::test]
async fn a_budget_that_runs_out_is_on_every_tab() {
    let mut console = Console::start(80, 24, |c| {
        let budget = Budget {
            id: "b".into(),
            name: "the whole deck".into(),
            scope: Scope::Global,
            period: Period::Day,
            zone: chrono_tz::Tz::UTC,
            limit: Picos(100),
            is_hard: true,
            thresholds: Threshold::usual(),
            unpriced_allowed: Vec::new(),
        };
        book::set(c, &budget, &Actor::human("ana"), NOW).unwrap();
        let call = Admission {
            call_id: "c".into(),
            at: NOW,
            persona: None,
            module: "draft".into(),
            model: "m".into(),
            category: Category::default(),
            estimate: Some(Picos(80)),
            lease: 60_000,
        };
        admission::admit(c, &call).unwrap().unwrap();
        admission::settle(c, "c", Some(Picos(80)), NOW).unwrap();
        Vec::new()
    })
    .await;
    for tab in tabs::Name::ALL {
        console.state.tab = *tab;
        let first = words(&mut console).lines().next().unwrap().to_owned();
        assert!(first.contains("the whole d… 75% spent"), "{first}");
    }
}

#[tokio::test]
async fn no_text_is_approved_before_it_is_on_the_screen() {
    let mut console = Console::open(80, 24).await;
    let key = |letter| Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
    let to_read = update::event(&mut console.state, &key('j'));
    for letter in ['a', 'A'] {
        let asked = update::event(&mut console.state, &key(letter));
        assert!(asked.is_empty() && console.state.queue.busy.is_empty(), "{letter}");
    }
    console.answer(to_read).await;
    let asked = update::event(&mut console.state, &key('a'));
    assert!(asked.iter().any(|request| matches!(request, Request::Decide { .. })));
}

#[tokio::test]
async fn words_at_two_sizes() {
    for (width, height) in [(80, 24), (140, 40)] {
        let mut all = String::new();
        for (name, keys) in SCREENS.into_iter().chain([("help", "?")]) {
            let mut console = Console::open(width, height).await;
            console.press(keys).await;
            write!(all, "=== {name}\n{}", words(&mut console)).unwrap();
        }
        for (name, keys) in DEMO_SCREENS {
            let mut console = Console::open_demo(width, height).await;
            console.press(keys).await;
            write!(all, "=== {name}\n{}", words(&mut console)).unwrap();
        }
        insta::assert_snapshot!(format!("words_{width}x{height}"), all);
    }
}

#[tokio::test]
async fn looks_in_each_class_of_theme() {
    let classes = [
        ("dark", Depth::True, Glyphs::UNICODE),
        ("light", Depth::True, Glyphs::UNICODE),
        ("dark", Depth::Sixteen, Glyphs::UNICODE),
        ("mono", Depth::Mono, Glyphs::ASCII),
    ];
    for (width, height) in [(80, 24), (140, 40)] {
        let mut all = vec![String::new(); classes.len()];
        for (name, keys) in SCREENS.into_iter().chain([("help", "?")]) {
            let mut console = Console::open(width, height).await;
            console.press(keys).await;
            for ((theme, depth, glyphs), text) in classes.into_iter().zip(&mut all) {
                console.look(theme, depth, glyphs);
                write!(text, "=== {name}\n{}", looks(&console.picture())).unwrap();
            }
        }
        for (name, keys) in DEMO_SCREENS {
            let mut console = Console::open_demo(width, height).await;
            console.press(keys).await;
            for ((theme, depth, glyphs), text) in classes.into_iter().zip(&mut all) {
                console.look(theme, depth, glyphs);
                write!(text, "=== {name}\n{}", looks(&console.picture())).unwrap();
            }
        }
        for ((theme, depth, _), text) in classes.into_iter().zip(all) {
            insta::assert_snapshot!(format!("looks_{theme}_{depth:?}_{width}x{height}").to_lowercase(), text);
        }
    }
}

#[tokio::test]
async fn words_without_unicode_and_on_a_small_terminal() {
    let mut console = Console::open(80, 24).await;
    console.look("mono", Depth::Mono, Glyphs::ASCII);
    let mut all = words(&mut console);
    for (width, height) in [(60, 16), (59, 16), (20, 3)] {
        let requests = update::event(&mut console.state, &Event::Resize(width, height));
        console.answer(requests).await;
        write!(all, "=== {width} by {height}\n{}", words(&mut console)).unwrap();
    }
    insta::assert_snapshot!("words_plain_letters_and_small", all);
}
