//! Where things lie: room on the disk, and what kind of file system it is.

use crate::rounds::found::{Found, Look, Verdict, bytes};
use crate::rounds::patient::Patient;
use serde_json::json;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;
/// Below this little is written that can be relied on.
const TOO_LITTLE: u64 = 100 * MIB;
/// Below this somebody should make room.
const LITTLE: u64 = 1_024 * MIB;

/// The directory itself, or the nearest above it that is there.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|above| above.exists())
}

fn places(patient: &Patient) -> Vec<(&'static str, PathBuf)> {
    let mut all = vec![("data", patient.data_dir()), ("logs", patient.state_dir().to_path_buf())];
    if let Some(directory) = patient.database_file().and_then(|file| file.parent().map(Path::to_path_buf)) {
        all.push(("database", directory));
    }
    all
}

/// There is room for the database once more, and the disk can be written.
pub(in crate::rounds) fn disk(patient: &Patient) -> Look {
    let database = patient.database_file().and_then(|file| std::fs::metadata(file).ok()).map_or(0, |found| found.len());
    let mut worst = Found::pass("");
    let (mut least, mut detail) = (u64::MAX, Vec::new());
    for (what, path) in places(patient) {
        let Some(there) = nearest(&path) else { continue };
        let room = match rustix::fs::statvfs(there) {
            Ok(room) => room,
            Err(error) => {
                worst = Found::unknown(format!("how much room {} has cannot be told: {error}", there.display()));
                continue;
            }
        };
        let left = room.f_bavail.saturating_mul(room.f_frsize);
        least = least.min(left);
        detail.push(json!({ "what": what, "path": path, "left_bytes": left, "files_left": room.f_favail }));
        let found = match () {
            () if room.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) => {
                let why = format!("{} lies on a disk that cannot be written", path.display());
                Found::fail(why).remedy("mount it for writing, or choose another place", "quarterdeck config show")
            }
            () if left < TOO_LITTLE => Found::fail(format!("only {} are left for {} in {}", bytes(left), what, path.display())),
            () if room.f_files > 0 && room.f_favail < 1_000 => {
                Found::fail(format!("only {} more files can be made in {}", room.f_favail, path.display()))
            }
            () if left < LITTLE.max(database.saturating_mul(2)) => {
                let needed = bytes(LITTLE.max(database.saturating_mul(2)));
                Found::warn(format!("{} are left in {}; a backup and a vacuum want {needed}", bytes(left), path.display()))
            }
            () => Found::pass(""),
        };
        if found.verdict > worst.verdict {
            let command = format!("df -h {}", there.display());
            worst = if found.remedy.is_some() { found } else { found.remedy("make room: old backups and logs go first", command) };
        }
    }
    if worst.verdict == Verdict::Pass {
        worst.why = format!("{} are left", bytes(least));
    }
    Ok(worst.detail(json!({ "places": detail, "database_bytes": database })))
}

/// What a file system's magic number says of it: its name, and how it suits a write-ahead log.
fn suits(magic: u32) -> (&'static str, Verdict) {
    match magic {
        0x6969 => ("NFS", Verdict::Fail),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => ("SMB", Verdict::Fail),
        0x0102_1997 => ("9p", Verdict::Fail),
        0x5346_414f | 0x6b41_4653 => ("AFS", Verdict::Fail),
        0x00c3_6400 => ("Ceph", Verdict::Fail),
        0x0bd0_0bd0 => ("Lustre", Verdict::Fail),
        0x4750_4653 => ("GPFS", Verdict::Fail),
        0x7375_7245 => ("Coda", Verdict::Fail),
        0x6573_5546 => ("FUSE", Verdict::Warn),
        0x0102_1994 => ("tmpfs", Verdict::Warn),
        0x8584_58f6 => ("ramfs", Verdict::Warn),
        0xef53 => ("ext4", Verdict::Pass),
        0x5846_5342 => ("XFS", Verdict::Pass),
        0x9123_683e => ("btrfs", Verdict::Pass),
        0x2fc1_2fc1 => ("ZFS", Verdict::Pass),
        0x794c_7630 => ("overlay", Verdict::Pass),
        _ => ("another local one", Verdict::Pass),
    }
}

/// The database lies on a local file system that keeps it.
pub(super) fn filesystem(patient: &Patient) -> Look {
    let Some(file) = patient.database_file() else {
        return Ok(match patient.address() {
            Some(_) => Found::pass("the database is on a server, which looks after its files itself"),
            None => Found::unknown("the settings do not say where the database is"),
        });
    };
    let Some(there) = nearest(&file) else { return Ok(Found::unknown("the directory of the database is not there")) };
    let kind = rustix::fs::statfs(there).map_err(|error| Found::unknown(format!("the file system cannot be told: {error}")))?;
    // The type of the field differs between systems; the number has 32 bits.
    let magic = u32::try_from(i128::from(kind.f_type) & 0xffff_ffff).unwrap_or_default();
    let (name, verdict) = suits(magic);
    let detail = json!({ "filesystem": name, "magic": format!("{magic:#x}"), "path": file });
    Ok(match verdict {
        Verdict::Fail => {
            let why =
                format!("{} lies on {name}: a write-ahead log on a network file system loses or damages what it holds", file.display());
            Found::fail(why).remedy("put the database on a local disk, or use PostgreSQL", "quarterdeck config show")
        }
        Verdict::Warn if name == "FUSE" => Found::warn(format!("{} lies on FUSE: whether its locks hold is not known", file.display()))
            .remedy("put the database on a local disk, unless you know that they do", "quarterdeck config show"),
        Verdict::Warn => Found::warn(format!("{} lies on {name}: it is gone when this machine restarts", file.display()))
            .remedy("put the database on a disk, unless it is a trial", "quarterdeck config show"),
        _ => Found::pass(format!("the database lies on {name}")),
    }
    .detail(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_refused_and_what_is_unknown_is_taken_for_local() {
        assert_eq!(suits(0x6969), ("NFS", Verdict::Fail));
        assert_eq!(suits(0xfe53_4d42).1, Verdict::Fail);
        assert_eq!(suits(0x0102_1994), ("tmpfs", Verdict::Warn));
        assert_eq!(suits(0xef53), ("ext4", Verdict::Pass));
        assert_eq!(suits(1).1, Verdict::Pass);
    }
}
