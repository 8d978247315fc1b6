//! A workbook's archive, written anew without compression and without what is not read: from there on nothing can become
//! larger than it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use aho_corasick::AhoCorasick;

use super::inflate::{Stopped, inflate};
use super::styles;
use crate::{Error, Result};

/// Bytes of everything in a workbook, unpacked.
const MOST: u64 = 512 * 1024 * 1024;
const MOST_ENTRIES: usize = 4_000;
/// Bytes of how cells look, and of the texts that cells share: both stand in memory.
const LONGEST_STYLES: u64 = 16 * 1024 * 1024;
const LONGEST_TEXTS: u64 = 128 * 1024 * 1024;
/// Texts that cells share: each takes some fifty bytes more than it has letters.
const MOST_TEXTS: u64 = 4_000_000;
/// Bytes of the shortest text.
const SHORTEST_TEXT: u64 = 5;
/// Bytes of the list of what is in an archive.
const LONGEST_LIST: u64 = 1024 * 1024;
/// The record at an archive's end, without its comment, and the longest comment.
const END: usize = 22;
const LONGEST_COMMENT: u64 = 65_535;

/// A workbook that cannot be read.
pub(super) fn broken() -> Error {
    let detail = "the workbook is damaged or protected by a password: open it, save it again as .xlsx, or save it as `CSV \
                  UTF-8`";
    Error::fault("", "broken_workbook", detail)
}

/// A workbook that would be more than this can take.
pub(super) fn too_large() -> Error {
    let detail = "the workbook unpacks to more than 512 MiB: save the sheet with the people as `CSV UTF-8` and import that file";
    Error::fault("", "workbook_too_large", detail)
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Broken => broken(),
            Stopped::TooMuch => too_large(),
            Stopped::Io(error) => Self::internal(error),
        }
    }
}

/// One thing in an archive, as the list at its end tells of it.
struct Entry {
    name: Vec<u8>,
    is_packed: bool,
    checksum: u32,
    packed: u64,
    at: u64,
}

/// Where an entry of the new archive stands.
struct Placed {
    entry: Entry,
    at: u64,
    length: u64,
}

/// Writes what is read of the workbook in `from` into `into`, unpacked.
pub(super) fn unpack(from: &mut File, into: &mut File) -> Result<()> {
    let entries = list(from)?;
    let mut left = MOST;
    let mut placed = Vec::new();
    for mut entry in entries.into_iter().filter(|entry| is_read(&entry.name)) {
        from.seek(SeekFrom::Start(entry.at)).map_err(Error::internal)?;
        let head = bytes::<30>(from)?;
        if u32_at(&head, 0) != 0x0403_4b50 {
            return Err(broken());
        }
        let skip = u64::from(u16_at(&head, 26)) + u64::from(u16_at(&head, 28));
        from.seek(SeekFrom::Start(entry.at + 30 + skip)).map_err(Error::internal)?;
        let at = into.stream_position().map_err(Error::internal)?;
        write_head(into, &entry, 0)?;
        let begins = into.stream_position().map_err(Error::internal)?;
        let name = entry.name.to_ascii_lowercase();
        let length = if name.ends_with(b"styles.xml") {
            let mut whole = Vec::new();
            copy(from, &entry, &mut whole, left.min(LONGEST_STYLES))?;
            let plain = styles::plain(&whole)?;
            entry.checksum = checksum(&plain);
            into.write_all(&plain).map_err(Error::internal)?;
            plain.len() as u64
        } else if name.ends_with(b"sharedstrings.xml") {
            copy(from, &entry, into, left.min(LONGEST_TEXTS))?
        } else {
            copy(from, &entry, into, left)?
        };
        if length > left {
            return Err(too_large());
        }
        left -= length;
        let ends = into.stream_position().map_err(Error::internal)?;
        into.seek(SeekFrom::Start(at)).map_err(Error::internal)?;
        write_head(into, &entry, length)?;
        if name.ends_with(b"sharedstrings.xml") {
            expect_few_texts(into, begins, length)?;
            expect_plain_count(into, begins, length)?;
        }
        into.seek(SeekFrom::Start(ends)).map_err(Error::internal)?;
        placed.push(Placed { entry, at, length });
    }
    finish(into, &placed)
}

fn copy(from: &mut File, entry: &Entry, into: &mut impl Write, most: u64) -> Result<u64> {
    let mut packed = from.take(entry.packed);
    if entry.is_packed {
        return Ok(inflate(packed, into, most)?);
    }
    if entry.packed > most {
        return Err(too_large());
    }
    io::copy(&mut packed, into).map_err(Error::internal)
}

/// CRC-32, as archives have it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

/// Only the texts of a workbook are read: no pictures, no macros.
fn is_read(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    (name.ends_with(b".xml") || name.ends_with(b".rels"))
        && ![&b"media/"[..], b"drawings/", b"charts/", b"printersettings/"]
            .iter()
            .any(|part| name.windows(part.len()).any(|window| window == *part))
}

fn list(from: &mut File) -> Result<Vec<Entry>> {
    let length = from.seek(SeekFrom::End(0)).map_err(Error::internal)?;
    let tail = length.min(END as u64 + LONGEST_COMMENT);
    from.seek(SeekFrom::Start(length - tail)).map_err(Error::internal)?;
    let mut end = Vec::new();
    from.read_to_end(&mut end).map_err(Error::internal)?;
    let at = end.windows(END).rposition(|window| window.starts_with(b"PK\x05\x06")).ok_or_else(broken)?;
    let end = &end[at..];
    let (count, size, start) = (u16_at(end, 10), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    if size > LONGEST_LIST || usize::from(count) > MOST_ENTRIES || start.saturating_add(size) > length {
        return Err(broken());
    }
    from.seek(SeekFrom::Start(start)).map_err(Error::internal)?;
    let mut list = vec![0; size as usize];
    from.read_exact(&mut list).map_err(|_| broken())?;
    let mut rest = list.as_slice();
    let mut entries = Vec::new();
    for _ in 0..count {
        if rest.len() < 46 || u32_at(rest, 0) != 0x0201_4b50 {
            return Err(broken());
        }
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(rest, at)));
        let name_at = rest.get(46..46 + name).ok_or_else(broken)?;
        let is_locked = u16_at(rest, 8) & 1 == 1;
        let is_packed = match u16_at(rest, 10) {
            0 => false,
            8 => true,
            _ => return Err(broken()),
        };
        if is_locked {
            return Err(broken());
        }
        entries.push(Entry {
            name: name_at.to_vec(),
            is_packed,
            checksum: u32_at(rest, 16),
            packed: u64::from(u32_at(rest, 20)),
            at: u64::from(u32_at(rest, 42)),
        });
        rest = rest.get(46 + name + extra + comment..).ok_or_else(broken)?;
    }
    Ok(entries)
}

fn write_head(into: &mut File, entry: &Entry, length: u64) -> Result<()> {
    let mut head = Vec::with_capacity(30 + entry.name.len());
    head.extend(0x0403_4b50_u32.to_le_bytes());
    head.extend(common(entry, length));
    head.extend((entry.name.len() as u16).to_le_bytes());
    head.extend([0, 0]);
    head.extend(&entry.name);
    into.write_all(&head).map_err(Error::internal)
}

/// Version, flags, method, time, date, checksum and both lengths.
fn common(entry: &Entry, length: u64) -> Vec<u8> {
    let mut common = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
    common.extend(entry.checksum.to_le_bytes());
    common.extend((length as u32).to_le_bytes());
    common.extend((length as u32).to_le_bytes());
    common
}

fn finish(into: &mut File, placed: &[Placed]) -> Result<()> {
    let start = into.stream_position().map_err(Error::internal)?;
    let mut list = Vec::new();
    for Placed { entry, at, length } in placed {
        list.extend(0x0201_4b50_u32.to_le_bytes());
        list.extend([20, 0]);
        list.extend(common(entry, *length));
        list.extend((entry.name.len() as u16).to_le_bytes());
        list.extend([0; 12]);
        list.extend((*at as u32).to_le_bytes());
        list.extend(&entry.name);
    }
    let size = list.len() as u32;
    list.extend(b"PK\x05\x06\0\0\0\0");
    list.extend((placed.len() as u16).to_le_bytes());
    list.extend((placed.len() as u16).to_le_bytes());
    list.extend(size.to_le_bytes());
    list.extend((start as u32).to_le_bytes());
    list.extend([0, 0]);
    into.write_all(&list).and_then(|()| into.flush()).map_err(Error::internal)
}

/// The shortest texts are a few letters in the file and much more in memory.
fn expect_few_texts(file: &mut File, at: u64, length: u64) -> Result<()> {
    let starts = AhoCorasick::new(["<si", ":si"]).map_err(Error::internal)?;
    file.seek(SeekFrom::Start(at)).map_err(Error::internal)?;
    let mut texts = 0;
    for found in starts.stream_find_iter(io::BufReader::new((&mut *file).take(length))) {
        found.map_err(Error::internal)?;
        texts += 1;
        if texts > MOST_TEXTS {
            return Err(too_large());
        }
    }
    Ok(())
}

/// The reader makes room for as many texts as the workbook says it has: it may not say more than its bytes
/// could hold.
fn expect_plain_count(file: &mut File, at: u64, length: u64) -> Result<()> {
    let names = AhoCorasick::new(["uniqueCount"]).map_err(Error::internal)?;
    file.seek(SeekFrom::Start(at)).map_err(Error::internal)?;
    let found: Vec<u64> = names
        .stream_find_iter(io::BufReader::new((&mut *file).take(length)))
        .take(MOST_ENTRIES)
        .map(|found| found.map(|found| found.end() as u64).map_err(Error::internal))
        .collect::<Result<_>>()?;
    if found.len() == MOST_ENTRIES {
        return Err(broken());
    }
    for end in found {
        file.seek(SeekFrom::Start(at + end)).map_err(Error::internal)?;
        let mut after = Vec::new();
        (&mut *file).take((length - end).min(64)).read_to_end(&mut after).map_err(Error::internal)?;
        let Some(value) = after.trim_ascii_start().strip_prefix(b"=") else {
            // Only a text that has the word in it; or so much space that what follows is not seen.
            if after.trim_ascii_start().is_empty() && !after.is_empty() {
                return Err(broken());
            }
            continue;
        };
        let value = value.trim_ascii_start();
        let digits = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let digits: Vec<u8> = digits.iter().copied().take_while(u8::is_ascii_digit).collect();
        let said = String::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
        if said.is_none_or(|said| said > MOST_TEXTS || said > length / SHORTEST_TEXT) {
            return Err(broken());
        }
    }
    Ok(())
}

fn bytes<const N: usize>(from: &mut File) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|_| broken())?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
