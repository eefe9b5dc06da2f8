//! The file of an index: everything that was read from the database, so that a start reads only what is new.
//!
//! `QDVECTOR`, length of the header, header (JSON), its checksum; for each shard its passages, stamps, factors and codes, with a checksum in the
//! header; then for each shard the stored numbers, whose rows have checksums of their own (their stamps) that are looked at when a row is;
//! `QDVEC-END`. Written beside, flushed, renamed. Nothing is believed that has not been checked, and whatever does not fit is an error.

use super::graph::GraphFiles;
use super::rows::{Position, Sums};
use super::shard::Shard;
use super::stored_rows::StoredRows;
use super::{Error, Result};
use crate::search::embed::Model;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BEGIN: &[u8; 8] = b"QDVECTOR";
const END: &[u8; 9] = b"QDVEC-END";
/// Grows with every change of the layout: a file of another layout is set aside.
const LAYOUT: u32 = 1;
/// A header is some lines for each persona.
const LONGEST_HEADER: u32 = 64 << 20;
/// Bytes written or hashed at once.
const CHUNK: usize = 1 << 18;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    layout: u32,
    pub model: String,
    pub dimensions: usize,
    pub database: String,
    pub change: i64,
    pub sums: Sums,
    pub shards: Vec<ShardHeader>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ShardHeader {
    pub persona: Option<String>,
    pub rows: usize,
    checksum: u32,
    pub graph: Option<GraphFiles>,
}

/// What a file held.
#[derive(Debug)]
pub(super) struct Loaded {
    pub header: Header,
    pub shards: Vec<Shard>,
}

/// A file that was written, and where in it the stored numbers of each shard are.
#[derive(Debug)]
pub(super) struct Written {
    pub file: Arc<File>,
    pub offsets: Vec<u64>,
}

/// The stem of the files of a model: its name in characters that every system takes, and a piece of its digest.
pub(super) fn stem(model: &Model) -> String {
    let tame: String = model.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(48).collect();
    let digest = crate::base::sha256_hex(format!("{} {}", model.name, model.dimensions).as_bytes());
    format!("{tame}-{}", digest.get(..8).unwrap_or_default())
}

/// Where the index of a model is.
pub(super) fn path(dir: &Path, model: &Model) -> PathBuf {
    dir.join(format!("{}.vectors", stem(model)))
}

/// The checksum of a whole file.
pub(super) fn checksum(path: &Path) -> Result<u32> {
    let unreadable = |error| Error::file("read", path, error);
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hasher, mut chunk) = (crc32fast::Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(read) => hasher.update(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// Rename a file that cannot be used, in place of one that was set aside before. Returns its new name.
pub(super) fn set_aside(path: &Path) -> Option<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".set-aside");
    let aside = PathBuf::from(name);
    std::fs::rename(path, &aside).ok().map(|()| aside)
}

/// The parts of a shard that are hashed together, in their order in the file.
fn parts(shard: &Shard, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK);
    for chunk in shard.passages.chunks(CHUNK / 8) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|passage| passage.to_le_bytes()));
        take(&bytes)?;
    }
    for chunk in shard.stamps.chunks(CHUNK / 4) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|stamp| stamp.to_le_bytes()));
        take(&bytes)?;
    }
    for chunk in shard.factors.chunks(CHUNK / 4) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|factor| factor.to_le_bytes()));
        take(&bytes)?;
    }
    for chunk in shard.codes.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().map(|code| code.cast_unsigned()));
        take(&bytes)?;
    }
    Ok(())
}

/// Write the file beside its place, flush it, and rename it.
pub(super) fn write(
    path: &Path,
    model: &Model,
    position: &Position,
    sums: Sums,
    shards: &[Shard],
    graphs: Vec<Option<GraphFiles>>,
) -> Result<Written> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let failed = |error: std::io::Error| Error::file("written", path, error);
    let mut headers = Vec::with_capacity(shards.len());
    for (shard, graph) in shards.iter().zip(graphs) {
        let mut hasher = crc32fast::Hasher::new();
        parts(shard, |bytes| {
            hasher.update(bytes);
            Ok(())
        })
        .map_err(failed)?;
        headers.push(ShardHeader { persona: shard.persona.clone(), rows: shard.len(), checksum: hasher.finalize(), graph });
    }
    let (database, change) = (position.database.clone(), position.change);
    let header =
        Header { layout: LAYOUT, model: model.name.clone(), dimensions: model.dimensions, database, change, sums, shards: headers };
    let header = serde_json::to_vec(&header).map_err(|error| Error::file("written", path, error))?;
    let temporary = tempfile::Builder::new().prefix(".").suffix(".writing").tempfile_in(dir).map_err(failed)?;
    let mut out = BufWriter::with_capacity(CHUNK, temporary);
    let length = u32::try_from(header.len()).map_err(|error| Error::file("written", path, error))?;
    let mut at = 0_u64;
    let mut offsets = Vec::with_capacity(shards.len());
    let mut all = || -> std::io::Result<()> {
        let mut put = |bytes: &[u8]| {
            at += bytes.len() as u64;
            out.write_all(bytes)
        };
        put(BEGIN)?;
        put(&length.to_le_bytes())?;
        put(&header)?;
        put(&crc32fast::hash(&header).to_le_bytes())?;
        for shard in shards {
            parts(shard, &mut put)?;
        }
        let row = model.dimensions * 2;
        let at_once = (CHUNK / row.max(1)).max(1);
        let mut chunk = vec![0; at_once * row];
        for shard in shards {
            offsets.push(0);
            for from in (0..shard.len()).step_by(at_once) {
                let chunk = &mut chunk[..at_once.min(shard.len() - from) * row];
                shard.stored.read(from, chunk)?;
                put(chunk)?;
            }
        }
        put(END)?;
        out.flush()?;
        out.get_ref().as_file().sync_all()
    };
    all().map_err(failed)?;
    let mut offset = at - END.len() as u64;
    for (place, shard) in offsets.iter_mut().zip(shards).rev() {
        offset -= (shard.len() * model.dimensions * 2) as u64;
        *place = offset;
    }
    let temporary = out.into_inner().map_err(|error| Error::file("written", path, error))?;
    let file = temporary.persist(path).map_err(|error| Error::file("written", path, error))?;
    // The name is durable when the directory is; not every system lets one be flushed.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(Written { file: Arc::new(file), offsets })
}

/// Read what a file says of itself, and nothing else.
fn header(path: &Path, file: &mut File) -> Result<(Header, u64)> {
    let failed = |error: std::io::Error| Error::file("read", path, error);
    let bad = |reason: &str| Error::file("used", path, reason);
    let (mut begin, mut number) = ([0; 8], [0; 4]);
    file.read_exact(&mut begin).map_err(failed)?;
    file.read_exact(&mut number).map_err(failed)?;
    let length = u32::from_le_bytes(number);
    if &begin != BEGIN || length > LONGEST_HEADER {
        return Err(bad("it is no index of vectors"));
    }
    let there = file.metadata().map_err(failed)?.len();
    if u64::from(length) + 16 > there {
        return Err(bad("it is cut off"));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).map_err(failed)?;
    file.read_exact(&mut number).map_err(failed)?;
    if crc32fast::hash(&bytes) != u32::from_le_bytes(number) {
        return Err(bad("its header is damaged"));
    }
    let header: Header = serde_json::from_slice(&bytes).map_err(|_| bad("its header is of another layout"))?;
    if header.layout != LAYOUT {
        return Err(bad("it is of another layout"));
    }
    Ok((header, u64::from(length) + 16))
}

/// Read a file. `None` when there is none.
///
/// # Errors
/// [`Error::File`] with the reason why it cannot be used.
pub(super) fn read(path: &Path, model: &Model) -> Result<Option<Loaded>> {
    let failed = |error: std::io::Error| Error::file("read", path, error);
    let bad = |reason: &str| Error::file("used", path, reason);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let (header, begin) = header(path, &mut file)?;
    if header.model != model.name || header.dimensions != model.dimensions {
        return Err(bad("it is of another model"));
    }
    let bytes = file.metadata().map_err(failed)?.len();
    let per_row = (16 + model.dimensions * 3) as u64;
    let rows = header.shards.iter().try_fold(0_u64, |sum, shard| sum.checked_add(shard.rows as u64));
    let expected = rows.and_then(|rows| rows.checked_mul(per_row)).and_then(|rows| rows.checked_add(begin + END.len() as u64));
    if expected != Some(bytes) {
        return Err(bad("it is cut off or has something added"));
    }
    let mut end = [0; END.len()];
    super::stored_rows::read_at(&file, &mut end, bytes - END.len() as u64).map_err(failed)?;
    if &end != END {
        return Err(bad("its end is damaged"));
    }
    file.seek(SeekFrom::Start(begin)).map_err(failed)?;
    let file = Arc::new(file);
    let stored_length = model.dimensions * 2;
    let mut offset = begin + header.shards.iter().map(|shard| shard.rows as u64).sum::<u64>() * (16 + model.dimensions) as u64;
    let mut shards = Vec::with_capacity(header.shards.len());
    let mut sums = Sums::default();
    for described in &header.shards {
        let mut hasher = crc32fast::Hasher::new();
        let mut part = |length: usize| -> Result<Vec<u8>> {
            let mut bytes = vec![0; length];
            (&*file).read_exact(&mut bytes).map_err(failed)?;
            hasher.update(&bytes);
            Ok(bytes)
        };
        let passages: Vec<i64> = part(described.rows * 8)?.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect();
        let stamps: Vec<u32> = part(described.rows * 4)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let factors: Vec<f32> = part(described.rows * 4)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        // The same allocation with another name for its bytes: nothing is copied.
        let codes: Vec<i8> = part(described.rows * model.dimensions)?.into_iter().map(u8::cast_signed).collect();
        if hasher.finalize() != described.checksum {
            return Err(bad("its rows are damaged"));
        }
        let live = stamps.iter().filter(|stamp| **stamp != 0).count();
        sums.count += i64::try_from(live).unwrap_or(i64::MAX);
        sums.stamps += stamps.iter().map(|stamp| i64::from(*stamp)).sum::<i64>();
        let stored = StoredRows::in_file(stored_length, Arc::clone(&file), offset, described.rows);
        offset += (described.rows * stored_length) as u64;
        let (persona, graph_files) = (described.persona.clone(), described.graph.clone());
        shards.push(Shard { persona, passages, stamps, factors, codes, stored, live, graph_files, ..Shard::default() });
    }
    if sums != header.sums {
        return Err(bad("its rows do not add up"));
    }
    Ok(Some(Loaded { header, shards }))
}

/// The files that belong to the index of a model: its own, and those of its graphs.
///
/// # Errors
/// As [`read`].
pub(super) fn names(path: &Path) -> Result<Vec<PathBuf>> {
    let mut file = File::open(path).map_err(|error| Error::file("read", path, error))?;
    let (header, _) = header(path, &mut file)?;
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let graphs = header.shards.iter().filter_map(|shard| shard.graph.as_ref());
    Ok(std::iter::once(path.to_owned()).chain(graphs.flat_map(|graph| super::graph::paths(dir, &graph.name))).collect())
}

/// Remove what nobody needs: graphs of `model` that no file names, and what an interrupted saving left, an hour later.
pub(super) fn tidy(dir: &Path, model: &Model, needed: &[GraphFiles], replaced: &[GraphFiles]) {
    const LEFT: std::time::Duration = std::time::Duration::from_secs(3_600);
    let prefix = format!("{}-graph-", stem(model));
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_of =
            |graphs: &[GraphFiles]| graphs.iter().any(|graph| name.strip_prefix(&graph.name).is_some_and(|rest| rest.starts_with('.')));
        let is_left = || entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        let unfinished = name.starts_with('.') && name.ends_with(".writing");
        let unnamed = name.starts_with(&prefix) && !is_of(needed);
        if (unnamed && (is_of(replaced) || is_left())) || (unfinished && is_left()) {
            // One that stays is tried again at the next saving.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
