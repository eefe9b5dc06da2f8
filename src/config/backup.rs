//! Where backups go, how many are kept, and when they are stale.

use super::settings::Reader;
use super::{Loaded, Problem};
use std::path::PathBuf;

/// Where backups go, how many are kept, and when they are stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSettings {
    /// Directory of backups.
    pub dir: PathBuf,
    /// Days whose newest backup is kept.
    pub keep_daily: u32,
    /// Weeks whose newest backup is kept.
    pub keep_weekly: u32,
    /// Months whose newest backup is kept.
    pub keep_monthly: u32,
    /// Hours after which the newest backup is stale.
    pub max_age_hours: u32,
    /// Days after which a drill is overdue.
    pub drill_days: u32,
}

impl BackupSettings {
    pub(super) fn read(loaded: &Loaded, reader: &Reader<'_>) -> Result<Self, Problem> {
        let dir = match loaded.text("backup.dir") {
            Some(dir) => PathBuf::from(dir),
            None => PathBuf::from(reader.text("data_dir")?).join("backups"),
        };
        Ok(Self {
            dir,
            keep_daily: reader.number("backup.keep_daily")?,
            keep_weekly: reader.number("backup.keep_weekly")?,
            keep_monthly: reader.number("backup.keep_monthly")?,
            max_age_hours: reader.number("backup.max_age_hours")?,
            drill_days: reader.number("backup.drill_days")?,
        })
    }
}
