//! Which backups stay: the newest of each of the last days, weeks and months that have one, and those that must never go.

use super::{Backup, Kept};
use crate::base::Millis;
use chrono::{DateTime, Datelike as _};
use std::collections::BTreeSet;

/// How many days, weeks and months keep their newest backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) daily: usize,
    pub(super) weekly: usize,
    pub(super) monthly: usize,
}

/// The day, week and month of a time, in UTC as in the names.
fn periods(at: Millis) -> [(i32, u32); 3] {
    let day = DateTime::from_timestamp_millis(at).unwrap_or_default().date_naive();
    let week = day.iso_week();
    [(day.year(), day.ordinal()), (week.year(), week.week()), (day.year(), day.month())]
}

/// Say of each backup whether it stays. `backups` are newest first, as is the answer.
///
/// A backup goes only when a newer one was verified. One that is faulty or lies in the future keeps no place of a day, a week or a month.
pub(super) fn decide(backups: Vec<Backup>, rule: Rule, now: Millis) -> Vec<Kept> {
    let is_good = |backup: &Backup| !backup.is_faulty && backup.problem.is_none() && backup.made_at <= now;
    let verified = backups.iter().find(|backup| is_good(backup) && backup.verified_at.is_some()).map(|backup| backup.name.clone());
    let drilled = backups.iter().find(|backup| is_good(backup) && backup.drilled_at.is_some()).map(|backup| backup.name.clone());
    let words = [("day", rule.daily), ("week", rule.weekly), ("month", rule.monthly)];
    let mut seen: [BTreeSet<(i32, u32)>; 3] = Default::default();
    let mut verified_is_newer = false;
    let mut kept = Vec::with_capacity(backups.len());
    for backup in backups {
        let mut why = Vec::new();
        if verified.as_ref() == Some(&backup.name) {
            why.push("the last one that was verified".to_owned());
        }
        if drilled.as_ref() == Some(&backup.name) {
            why.push("the last one that passed a drill".to_owned());
        }
        if is_good(&backup) {
            for ((period, seen), (word, most)) in periods(backup.made_at).into_iter().zip(&mut seen).zip(words) {
                if seen.len() < most && seen.insert(period) {
                    why.push(format!("the newest of its {word}"));
                }
            }
        }
        if backup.made_at > now {
            why.push("its time lies in the future: look at the clock".to_owned());
        }
        if let Some(problem) = &backup.problem {
            why.push(format!("it is not understood, so nobody but you may remove it: {problem}"));
        }
        if why.is_empty() && !verified_is_newer {
            why.push("no newer backup was verified".to_owned());
        }
        let stays = !why.is_empty();
        let why = match (stays, backup.is_faulty) {
            (true, _) => why.join(", "),
            (false, true) => "it is faulty, and a newer one was verified".to_owned(),
            (false, false) => "newer ones are kept for its day, its week and its month, or it is older than all of them".to_owned(),
        };
        verified_is_newer |= verified.as_ref() == Some(&backup.name);
        kept.push(Kept { backup, stays, why });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::PathBuf;

    const DAY: Millis = 86_400_000;
    const NOW: Millis = 1_790_000_000_000;
    const RULE: Rule = Rule { daily: 7, weekly: 4, monthly: 12 };

    fn backup(age: Millis, is_verified: bool) -> Backup {
        let made_at = NOW - age;
        Backup {
            name: super::super::place::stamp(made_at),
            path: PathBuf::new(),
            made_at,
            bytes: 1,
            engine: "sqlite".to_owned(),
            schema_version: 1,
            rows: 1,
            has_secrets: false,
            manifest: String::new(),
            verified_at: is_verified.then_some(made_at),
            drilled_at: None,
            is_faulty: false,
            problem: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_year_of_days_leaves_days_weeks_and_months() {
        let all: Vec<Backup> = (0..400).map(|day| backup(day * DAY, true)).collect();
        let stay: Vec<Millis> = decide(all, RULE, NOW).iter().filter(|kept| kept.stays).map(|kept| kept.backup.made_at).collect();
        assert!(stay.len() <= 7 + 4 + 12 && stay.len() >= 7 + 11, "{}", stay.len());
        assert!((0..7).all(|day| stay.contains(&(NOW - day * DAY))));
        assert!(stay.iter().all(|at| NOW - at < 370 * DAY));
    }

    #[test]
    fn several_of_one_day_leave_the_newest() {
        let all: Vec<Backup> = (0..5).map(|hour| backup(hour * 3_600_000, true)).collect();
        let stay = decide(all, Rule { daily: 7, weekly: 0, monthly: 0 }, NOW);
        let same_day = |kept: &&Kept| periods(kept.backup.made_at)[0] == periods(NOW)[0];
        assert_eq!(stay.iter().filter(same_day).filter(|kept| kept.stays).count(), 1);
        assert!(stay[0].stays && stay[0].why.contains("newest of its day"));
    }

    #[test]
    fn the_last_verified_one_stays_however_old_it_is() {
        let mut all: Vec<Backup> = (0..50).map(|day| backup(day * DAY, false)).collect();
        all.push(backup(900 * DAY, true));
        all.push(backup(901 * DAY, true));
        let decided = decide(all, RULE, NOW);
        assert!(decided[50].stays && decided[50].why.contains("verified"), "{:?}", decided[50]);
        assert!(!decided[51].stays);
        // What is newer than it is not verified, so nothing newer goes either.
        assert!(decided[..50].iter().all(|kept| kept.stays));
    }

    #[test]
    fn the_drilled_the_broken_and_those_of_the_future_stay() {
        let mut all: Vec<Backup> = (0..3).map(|hour| backup(hour * 3_600_000, true)).collect();
        all[0].made_at = NOW + DAY;
        let mut drilled = backup(700 * DAY, true);
        drilled.drilled_at = Some(NOW);
        let mut broken = backup(701 * DAY, true);
        broken.problem = Some("no manifest".to_owned());
        let mut faulty = backup(702 * DAY, true);
        faulty.is_faulty = true;
        all.extend([drilled, broken, faulty]);
        let decided = decide(all, RULE, NOW);
        assert!(decided[0].why.contains("future") && decided[3].why.contains("drill") && decided[4].stays);
        assert!(!decided[5].stays && decided[5].why.contains("faulty"));
    }

    proptest! {
        #[test]
        fn whatever_is_there_a_verified_one_stays(
            ages in proptest::collection::vec((0_i64..1_000 * DAY, any::<bool>(), any::<bool>()), 0..60), daily in 1_usize..9, weekly in 0_usize..5, monthly in 0_usize..13,
        ) {
            let mut all: Vec<Backup> = ages.iter().map(|(age, verified, faulty)| Backup { is_faulty: *faulty, ..backup(*age, *verified) }).collect();
            all.sort_by_key(|backup| -backup.made_at);
            let had = all.iter().any(|backup| backup.verified_at.is_some() && !backup.is_faulty);
            let decided = decide(all, Rule { daily, weekly, monthly }, NOW);
            let has = decided.iter().any(|kept| kept.stays && kept.backup.verified_at.is_some() && !kept.backup.is_faulty);
            prop_assert_eq!(had, has);
            if !had { prop_assert!(decided.iter().all(|kept| kept.stays)); }
            // Deciding again changes nothing: what stays, stays.
            let stay: Vec<Backup> = decided.into_iter().filter(|kept| kept.stays).map(|kept| kept.backup).collect();
            let all = decide(stay, Rule { daily, weekly, monthly }, NOW);
            prop_assert!(all.iter().all(|kept| kept.stays));
        }
    }
}
