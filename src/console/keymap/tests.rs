//! What a user notices of keymaps: that the shipped ones are whole, what a file changes, and what is said when it is wrong.

use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> (Keymap, Vec<String>) {
    let (keymap, problems) = Keymap::parse(Path::new("/k.toml"), text);
    (keymap, problems.iter().map(ToString::to_string).collect())
}

/// The keymap of a file in which nothing is wrong.
#[track_caller]
fn good(text: &str) -> Keymap {
    let (keymap, problems) = parse(text);
    assert!(problems.is_empty(), "{problems:?}");
    keymap
}

/// The only finding about a file.
#[track_caller]
fn finding(text: &str) -> String {
    let (_, mut problems) = parse(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

fn step(keymap: &Keymap, scope: Scope, keys: &str) -> Step {
    keymap.step(scope, &Chord::sequence(keys).unwrap())
}

#[test]
fn the_shipped_keymaps_are_without_problems_and_bind_every_action_with_keys_that_arrive() {
    for name in shipped_names() {
        let written = file::read(Path::new(name), shipped::text(name).unwrap());
        assert_eq!(written.problems, [], "{name}");
        assert_eq!(merge::lay(Vec::new(), &written.entries, Path::new(name)).1, [], "{name}");
        assert_eq!(written.name.as_deref(), Some(name));
        let keymap = Keymap::shipped(name).unwrap();
        assert_eq!(keymap.entries().len(), written.entries.len());
        for action in Action::ALL {
            assert!(!keymap.keys(*action).is_empty(), "{} has no key in {name}", action.id());
        }
        let moves = Action::ALL.iter().filter(|action| action.id().starts_with("move."));
        for action in moves {
            assert!(keymap.entries().iter().any(|(scope, _, bound)| (*scope, *bound) == (Scope::Text, *action)), "{} {name}", action.id());
        }
    }
    assert_eq!(Keymap::shipped("nano"), None);
    assert_eq!(Keymap::default().name(), "default");
}

#[test]
fn every_key_of_a_shipped_keymap_leads_to_its_action() {
    for name in shipped_names() {
        let keymap = Keymap::shipped(name).unwrap();
        for (scope, keys, action) in keymap.entries() {
            assert_eq!(step(&keymap, scope, &keys), Step::Action(action), "{name} {keys}");
            // A global key is reachable from every scope.
            if scope == Scope::Global {
                for other in Scope::ALL {
                    assert_eq!(step(&keymap, other, &keys), Step::Action(action), "{name} {keys} in {other:?}");
                }
            }
        }
    }
}

#[test]
fn decisions_have_the_same_keys_in_both_keymaps() {
    let (default, emacs) = (Keymap::default(), Keymap::shipped("emacs").unwrap());
    for (scope, keys, action) in default.entries() {
        if scope == Scope::Queue && action.id().starts_with("queue.") {
            assert_eq!(step(&emacs, scope, &keys), Step::Action(action), "{keys}");
        }
    }
    assert_eq!(step(&default, Scope::Queue, "ctrl-a"), Step::None);
}

#[test]
fn a_beginning_names_what_can_follow() {
    let keymap = Keymap::default();
    let follows = Step::Prefix(vec![
        ("a".to_owned(), Action::Audit),
        ("b".to_owned(), Action::BeliefsTab),
        ("c".to_owned(), Action::GaugesTab),
        ("g".to_owned(), Action::First),
        ("h".to_owned(), Action::HealthTab),
        ("m".to_owned(), Action::Mouse),
        ("q".to_owned(), Action::QueueTab),
        ("s".to_owned(), Action::Search),
    ]);
    assert_eq!(step(&keymap, Scope::Queue, "g"), follows);
    assert_eq!(step(&keymap, Scope::Queue, "ctrl-k"), Step::Prefix(vec![("ctrl-k".to_owned(), Action::KillSwitch)]));
    assert_eq!(step(&keymap, Scope::Queue, "ctrl-k ctrl-k"), Step::Action(Action::KillSwitch));
    assert_eq!(step(&keymap, Scope::Queue, "ctrl-k j"), Step::None);
    assert_eq!(keymap.step(Scope::Queue, &[]), Step::None);
    // A decision needs an item: it is no key of a text.
    assert_eq!(step(&keymap, Scope::Text, "a"), Step::None);
    assert_eq!(step(&keymap, Scope::Global, "j"), Step::None);
}

#[test]
fn the_shortest_key_is_named_first() {
    assert_eq!(Keymap::default().keys(Action::Down), ["j", "down"]);
    assert_eq!(Keymap::default().keys(Action::First), ["home", "g g"]);
    assert_eq!(Keymap::default().keys(Action::Help), ["?", "f1"]);
}

#[test]
fn entries_of_the_user_are_added_replace_and_remove() {
    let keymap = good("[queue]\n\"space\" = \"queue.approve\"\n\"x\" = \"queue.reject\"\ny = \"none\"\n\"g a\" = \"queue.approve\"\n");
    assert_eq!(keymap.keys(Action::Approve), ["a", "space", "g a"]);
    assert_eq!(step(&keymap, Scope::Queue, "x"), Step::Action(Action::Reject));
    assert_eq!(step(&keymap, Scope::Queue, "y"), Step::None);
    assert_eq!(keymap.keys(Action::Copy), Vec::<String>::new());
    assert_eq!((keymap.name(), keymap.base()), ("k", "default"));
    let emacs = good("name = \"mine\"\nbase = \"emacs\"\n[queue]\nj = \"move.down\"\n");
    assert_eq!((emacs.name(), emacs.base()), ("mine", "emacs"));
    assert_eq!(emacs.keys(Action::Down), ["j", "down", "ctrl-n"]);
    assert_eq!(good(""), Keymap { name: "k".to_owned(), ..Keymap::default() });
}

#[test]
fn the_own_table_goes_before_the_global_one() {
    let keymap = good("[text]\nq = \"app.back\"\n");
    assert_eq!(step(&keymap, Scope::Text, "q"), Step::Action(Action::Back));
    assert_eq!(step(&keymap, Scope::Queue, "q"), Step::Action(Action::Quit));
    // What a screen shows is what can be typed there.
    assert_eq!(keymap.keys_in(Scope::Text, Action::Quit), ["ctrl-c"]);
    assert_eq!(keymap.keys_in(Scope::Queue, Action::Quit), ["q", "ctrl-c"]);
    assert_eq!(keymap.keys_in(Scope::Text, Action::Approve), Vec::<String>::new());
    for scope in Scope::ALL {
        for (keys, action) in keymap.entries_in(scope) {
            assert_eq!(step(&keymap, scope, &keys), Step::Action(action), "{keys}");
        }
    }
    assert_eq!(keymap.entries_in(Scope::Global).len(), keymap.entries().iter().filter(|entry| entry.0 == Scope::Global).count());
}

#[test]
fn an_unknown_action_gets_the_nearest_known_one() {
    assert_eq!(
        finding("[queue]\n\n  \"space\" = \"queue.aprove\"\n"),
        "/k.toml, line 3, column 13: there is no action `queue.aprove`; did you mean `queue.approve`?"
    );
    assert!(finding("[queue]\nz = \"approve\"").contains("did you mean `queue.approve`?"));
    assert!(finding("[queue]\nz = \"non\"").contains("did you mean `none`?"));
    let strange = finding("[queue]\nz = \"\\u202Elaunch the missiles\"");
    assert!(!strange.contains("did you mean") && !strange.contains('\u{202e}'), "{strange}");
}

#[test]
fn a_key_that_is_none_is_named_with_its_place() {
    let found = finding("[queue]\nj = \"move.down\"\n\"ctrl-\" = \"move.down\"\n");
    assert!(found.starts_with("/k.toml, line 3, column 1: `ctrl-` is a modifier"), "{found}");
    assert!(finding("[queue]\n\"\" = \"move.down\"").contains("there is no key"));
}

#[test]
fn the_same_key_twice_is_found_whatever_way_it_is_written() {
    let found = finding("[queue]\n\"ctrl-t\" = \"queue.approve\"\n\"Ctrl-T\" = \"queue.reject\"\n");
    assert!(found.starts_with("/k.toml, line 3, column 1: `ctrl-t` stands twice in [queue], first in line 2"), "{found}");
    assert!(finding("[text]\ntab = \"none\"\nctrl-i = \"none\"").contains("`tab` stands twice"));
}

#[test]
fn a_key_that_begins_another_is_a_conflict_with_both_named() {
    let found = finding("[queue]\n\"z\" = \"queue.copy\"\n\"z z\" = \"queue.link\"\n");
    assert!(found.starts_with("/k.toml, line 3, column 1: `z z` begins with `z` (queue.copy, [queue] in line 2)"), "{found}");
    let found = finding("[queue]\n\"z z\" = \"queue.copy\"\n\"z\" = \"queue.link\"\n");
    assert!(found.contains("line 3") && found.contains("`z` begins `z z`"), "{found}");
    // Against the keymap below, and across the global table.
    let found = finding("[global]\n\"X b\" = \"app.help\"\n");
    assert!(found.contains("`X b` begins with `X` (queue.mark_alike, [queue] of the keymap below)"), "{found}");
    let found = finding("[queue]\n\"ctrl-k\" = \"queue.skip\"\n");
    assert!(found.contains("`ctrl-k` begins `ctrl-k ctrl-k` (app.kill_switch, [global] of the keymap below)"), "{found}");
    // Two scopes that never meet, and a key that was taken away, are no conflict.
    good("[queue]\n\"z\" = \"queue.copy\"\n[text]\n\"z z\" = \"move.first\"\n");
    good(
        "[queue]\n\"g g\" = \"none\"\n\"g\" = \"move.first\"\n[global]\n\"g a\" = \"none\"\n\"g b\" = \"none\"\n\"g c\" = \"none\"\n\"g h\" = \"none\"\n\"g m\" = \"none\"\n\"g q\" = \"none\"\n\"g s\" = \"none\"\n[text]\n\"g g\" = \"none\"\ng = \"move.first\"",
    );
    good("[queue]\n\"z z\" = \"queue.copy\"\n\"z y\" = \"queue.link\"\n");
}

#[test]
fn an_action_in_the_wrong_table_is_told_where_it_belongs() {
    let found = finding("[global]\n\"z\" = \"queue.approve\"\n");
    assert!(
        found.contains("line 2, column 7") && found.contains("`queue.approve` can be done in [queue] only, not in [global]"),
        "{found}"
    );
    assert!(finding("[text]\nz = \"queue.approve\"").contains("in [queue] only"));
    assert!(
        finding("[global]\nz = \"move.down\"").contains("in [beliefs] and [gauges] and [health] and [queue] and [search] and [text] only")
    );
    good("[text]\nz = \"move.down\"\nZ = \"app.help\"\n");
}

#[test]
fn what_stands_in_no_known_table_is_told() {
    assert!(finding("[que]\nj = \"move.down\"").contains("line 1, column 2: there is no table `que`; did you mean `queue`?"));
    assert!(finding("j = \"move.down\"").contains("`j` stands outside of the tables"));
    assert!(finding("bse = \"emacs\"").contains("did you mean `base`?"));
    assert!(finding("base = \"emcs\"").contains("line 1, column 8: there is no keymap `emcs` to begin with; did you mean `emacs`?"));
    assert!(finding("base = 3").contains("expected a text in quotes, found integer"));
    assert!(finding("queue = 3").contains("`queue` is a table"));
    assert!(finding("[queue]\nj = [\"move.down\"]").contains("expected the id of an action in quotes, or \"none\", found array"));
    let (keymap, problems) = parse("[queue]\nj = = 3\na = \"queue.reject\"");
    assert!(problems[0].starts_with("/k.toml, line 2, column 5: invalid TOML") && keymap == Keymap::default(), "{problems:?}");
}

#[test]
fn with_an_error_nothing_of_the_file_is_in_force() {
    let (keymap, problems) = parse("[queue]\na = \"queue.reject\"\nr = \"queue.aprove\"\n");
    assert_eq!((keymap, problems.len()), (Keymap::default(), 1));
    let (keymap, _) = parse("base = \"emacs\"\n[queue]\nr = \"queue.aprove\"\n");
    assert_eq!(Some(keymap), Keymap::shipped("emacs"));
}

#[test]
fn what_is_odd_is_said_and_leaves_the_file_in_force() {
    let (keymap, problems) = parse("[queue]\nq = \"none\"\nz = \"queue.copy\"\n");
    assert!(problems[0].contains("`q` is not bound in [queue]") && problems[0].contains("it is bound in [global]"), "{problems:?}");
    assert_eq!(keymap.keys(Action::Copy), ["y", "z"]);
    let found = finding("[global]\n\"ctrl-k ctrl-k\" = \"none\"\n");
    assert!(found.contains("line 2, column 1: `app.kill_switch` has no key any more"), "{found}");
    let found = finding("[queue]\n\"ctrl-k ctrl-k\" = \"queue.skip\"\n");
    assert!(found.contains("line 2, column 1: `app.kill_switch` has no key any more in [queue]"), "{found}");
    good("[global]\n\"ctrl-k ctrl-k\" = \"none\"\n\"f12\" = \"app.kill_switch\"\n");
    let (keymap, problems) = Keymap::parse(Path::new("/k.toml"), "[queue]\n\"ctrl-enter\" = \"queue.approve\"\n");
    assert_eq!((problems.len(), problems[0].level), (1, Level::Note));
    assert_eq!(keymap.keys(Action::Approve), ["a", "ctrl-enter"]);
}

#[test]
fn a_file_is_loaded_missing_or_unreadable_without_harm() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(Keymap::load(home.path()), (Keymap::default(), Vec::new()));
    let path = home.path().join(FILE_NAME);
    std::fs::write(&path, "[queue]\n\"ctrl-enter\" = \"queue.approve\"\n").unwrap();
    let (keymap, problems) = Keymap::load(home.path());
    assert_eq!((keymap.keys(Action::Approve).len(), problems), (2, Vec::new()));
    std::fs::write(&path, [b'#', 0xff]).unwrap();
    let (keymap, problems) = Keymap::load(home.path());
    assert_eq!(keymap, Keymap::default());
    assert!(problems[0].to_string().ends_with("keymap.toml: it cannot be read: it is no UTF-8 text, from byte 1 on"), "{problems:?}");
    std::fs::write(&path, "#".repeat(300_000)).unwrap();
    assert!(Keymap::load(home.path()).1[0].reason.contains("300000 bytes"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(Keymap::load(home.path()).1[0].is_error());
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn whatever_a_file_binds_can_be_typed(
        rows in proptest::collection::vec(("(global|queue|text)", "(ctrl-)?[a-z]( [a-z])?", proptest::sample::select(Action::ALL)), 0..12),
    ) {
        let mut text = String::new();
        for scope in Scope::ALL {
            text.push_str(&format!("[{}]\n", scope.as_str()));
            for (_, keys, action) in rows.iter().filter(|(table, ..)| table == scope.as_str()) {
                text.push_str(&format!("\"{keys}\" = \"{}\"\n", action.id()));
            }
        }
        let (keymap, _) = parse(&text);
        for (scope, keys, action) in keymap.entries() {
            prop_assert_eq!(step(&keymap, scope, &keys), Step::Action(action));
        }
        for scope in Scope::ALL {
            for (keys, action) in keymap.entries_in(scope) {
                prop_assert_eq!(step(&keymap, scope, &keys), Step::Action(action));
            }
        }
    }
}
