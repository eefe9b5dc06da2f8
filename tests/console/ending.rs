//! Every way out of the console gives the terminal back as it was.

use crate::harness::{Console, Home};
use rustix::process::Signal;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);

/// Fails when something that was switched on was not switched off again afterwards.
#[track_caller]
fn gives_the_terminal_back(console: &Console) {
    let raw = console.raw();
    let last = |sign: &str| raw.windows(sign.len()).rposition(|window| window == sign.as_bytes());
    for (on, off, what) in [
        ("\x1b[?1049h", "\x1b[?1049l", "the alternate screen"),
        ("\x1b[?2004h", "\x1b[?2004l", "bracketed paste"),
        ("\x1b[?1000h", "\x1b[?1000l", "clicks"),
        ("\x1b[?1002h", "\x1b[?1002l", "dragging"),
        ("\x1b[?1003h", "\x1b[?1003l", "movement"),
        ("\x1b[?1006h", "\x1b[?1006l", "positions of the mouse"),
        ("\x1b[?25l", "\x1b[?25h", "the cursor"),
        ("\x1b[?2026h", "\x1b[?2026l", "a frame"),
    ] {
        assert!(
            last(off) >= last(on),
            "{what} is left as the console had it: {:?}",
            String::from_utf8_lossy(&raw[raw.len().saturating_sub(200)..])
        );
    }
    assert!(last("\x1b[?1049l").is_some() && last("\x1b[?25h").is_some() && last("\x1b[?2004l").is_some());
    let (before, after) = console.modes();
    assert_eq!(before, after, "the modes of the terminal");
}

fn console(home: &Home) -> Console {
    let mut console = home.console();
    console.chooses("rivers").shows("the draft");
    let (before, during) = console.modes();
    assert_ne!(before, during, "the console has taken the terminal over");
    console
}

fn home() -> Home {
    Home::with(&["A harmless remark about rivers."]).0
}

#[test]
fn the_key_leaves() {
    let home = home();
    for key in ["q", "\x03"] {
        let mut console = console(&home);
        assert_eq!(console.keys(key).ended(SOON), 0);
        gives_the_terminal_back(&console);
    }
}

#[test]
fn signals_end_it_in_order() {
    let home = home();
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT, Signal::INT] {
        let mut console = console(&home);
        assert_eq!(console.signal(signal).ended(SOON), 0, "{signal:?}");
        gives_the_terminal_back(&console);
    }
}

#[test]
fn a_failure_of_the_program_gives_the_terminal_back_before_it_is_told() {
    let home = home();
    let mut console = home.console_with(&[("QUARTERDECK_TEST_PANIC", "1")]);
    assert_ne!(console.ended(Duration::from_secs(10)), 0);
    gives_the_terminal_back(&console);
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(raw.rfind("the program has a fault") > raw.rfind("\x1b[?1049l"), "{raw:?}");
}

#[test]
fn stopped_and_continued_from_outside_it_goes_on_and_ends_in_order() {
    let home = home();
    let mut console = console(&home);
    console.signal(Signal::STOP).signal(Signal::CONT).keys("?").shows("in the queue").keys("\x1b").hides("in the queue").keys("q");
    assert_eq!(console.ended(SOON), 0);
    gives_the_terminal_back(&console);
}

#[test]
fn a_signal_in_the_middle_of_an_edit_ends_it_too() {
    let home = home();
    let mut console = console(&home);
    console.keys("e").shows("what you change is screened").keys(" And more").shows("And more");
    assert_eq!(console.signal(Signal::TERM).ended(SOON), 0);
    gives_the_terminal_back(&console);
}

#[test]
fn a_closed_window_ends_it() {
    let home = home();
    // The signal and the end of the terminal race each other: each of them has to win now and then.
    for number in 0..8 {
        let mut console = console(&home);
        assert!(console.closed(SOON), "the program goes on without a terminal, in round {number}");
    }
}

#[test]
fn suspending_gives_the_terminal_back_and_continuing_takes_it_again() {
    let home = home();
    // A shell with job control, as people have around it.
    let mut shell = home.program_in_a_shell();
    shell.shows("$ ").keys("$DECK\n").chooses("rivers").keys("\x1a").shows("Stopped");
    gives_the_terminal_back_but_modes(&shell);
    shell.keys("fg\n").chooses("rivers").keys("?").shows("in the queue").keys("\x1b").hides("in the queue").keys("q").shows("$ ");
    gives_the_terminal_back_but_modes(&shell);
    shell.keys("exit\n");
    assert_eq!(shell.ended(SOON), 0);
}

/// The shell has modes of its own.
#[track_caller]
fn gives_the_terminal_back_but_modes(console: &Console) {
    let raw = console.raw();
    let last = |sign: &str| raw.windows(sign.len()).rposition(|window| window == sign.as_bytes());
    assert!(
        last("\x1b[?1049l") > last("\x1b[?1049h") && last("\x1b[?25h") > last("\x1b[?25l") && last("\x1b[?1000l") > last("\x1b[?1000h")
    );
}

#[test]
fn without_a_terminal_it_says_so() {
    let home = home();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", home.path("")).env("USER", "ana").stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the console needs a terminal") && output.stdout.is_empty());
}

#[test]
fn the_demo_opens_on_a_sandbox_and_ends_in_order() {
    let home = Home::new();
    let mut program = home.program();
    program.arg("demo");
    let mut console = Console::start(program, 100, 30);
    console.shows("SANDBOX").shows("the draft").keys("a").shows("approved, leaves in").keys("q");
    assert_eq!(console.ended(Duration::from_secs(10)), 0);
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(raw.rfind("\x1b[?1049l") > raw.rfind("\x1b[?1049h"));
}
