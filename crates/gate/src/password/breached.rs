//! Passwords that are known from breaches: a list that is built in, and if there is one, the whole of Have I Been Pwned
//! as a file. Nothing is asked of anybody else.

use crate::StartError;
use aws_lc_rs::digest;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The first four bytes of the SHA-256 of each password in lower case, sorted. Made by `cargo xtask passwords`; its
/// source and licence stand beside it. One in about 21,000 other passwords is taken for one of these.
const COMMON: &[u8] = include_bytes!("../assets/common-passwords.bin");
/// Bytes of one entry.
const ENTRY: usize = 4;
/// Hexadecimal digits of a SHA-1.
const SHA1_DIGITS: usize = 40;
/// Bytes of a line of the file at most: the hash, a colon, how often it was seen, and the line's end.
const LINE_MAX: u64 = 80;

/// What is known from breaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Breached {
    file: Option<PathBuf>,
}

impl Breached {
    /// With the file of Have I Been Pwned, ordered by hash: `SHA1:count` on each line. It is never loaded: 30 short reads
    /// find a password. A file that is no such list is refused.
    pub(super) fn with_file(path: &Path) -> Result<Self, StartError> {
        let bad = |why: &str| {
            StartError::Config(format!(
                "gate.passwords.breached_file is {}, which {why}",
                path.display()
            ))
        };
        let mut line = String::new();
        let file = File::open(path).map_err(|e| bad(&format!("cannot be read: {e}")))?;
        let read = BufReader::new(file).take(LINE_MAX).read_line(&mut line);
        if read.is_err() || hash_of(line.as_bytes()).is_none() {
            return Err(bad(
                "does not hold a line such as 000000005AD76BD555C1D6D771DE417A4B87E4B4:4",
            ));
        }
        Ok(Self {
            file: Some(path.to_owned()),
        })
    }

    /// Whether there is a file to read.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether a password is in the list that is built in, in any spelling.
    pub(super) fn is_common(&self, password: &str) -> bool {
        is_within(COMMON, &password.to_lowercase())
    }

    /// Whether a password is in the file, as it stands. Reads from the disk.
    pub(super) fn is_in_file(&self, password: &str) -> std::io::Result<bool> {
        let Some(path) = &self.file else {
            return Ok(false);
        };
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let hash: String = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        find(&mut File::open(path)?, hash.as_bytes())
    }
}

fn is_within(list: &[u8], password: &str) -> bool {
    let hash = digest::digest(&digest::SHA256, password.as_bytes());
    let wanted = &hash.as_ref()[..ENTRY];
    let (mut low, mut high) = (0, list.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        let entry = &list[middle * ENTRY..(middle + 1) * ENTRY];
        match entry.cmp(wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

/// The hash that a line begins with.
fn hash_of(line: &[u8]) -> Option<&[u8]> {
    let hash = line.get(..SHA1_DIGITS)?;
    let is_end = matches!(line.get(SHA1_DIGITS), None | Some(b':' | b'\r' | b'\n'));
    (is_end && hash.iter().all(u8::is_ascii_hexdigit)).then_some(hash)
}

/// Whether a line begins with this hash, found by bisection of the bytes: the line after a place is compared, and if it
/// is too late, what is wanted begins before that place.
fn find(file: &mut (impl Read + Seek), wanted: &[u8]) -> std::io::Result<bool> {
    let (mut low, mut high) = (0, file.seek(SeekFrom::End(0))?);
    // Between `low`, where a line begins, and `high`.
    while low < high {
        let middle = u64::midpoint(low, high);
        let (start, line) = line_after(file, low, middle)?;
        let Some(hash) = hash_of(&line) else {
            // Nothing more begins behind the middle.
            high = middle;
            continue;
        };
        match hash.to_ascii_uppercase().as_slice().cmp(wanted) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = start + line.len() as u64,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

/// The first line that begins at `middle` or later, and where; at `low`, a line begins.
fn line_after(
    file: &mut (impl Read + Seek),
    low: u64,
    middle: u64,
) -> std::io::Result<(u64, Vec<u8>)> {
    // One byte earlier: a line that begins at the middle has its predecessor's end there.
    let from = middle.saturating_sub(1).max(low);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(256, file.take(2 * LINE_MAX));
    let mut skipped = Vec::new();
    if middle > low {
        reader.read_until(b'\n', &mut skipped)?;
    }
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok((from + skipped.len() as u64, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    #[test]
    fn the_list_is_sorted_large_and_small_enough() {
        let entries: Vec<&[u8]> = COMMON.chunks(ENTRY).collect();
        assert!(entries.len() >= 100_000 && COMMON.len() < 1_000_000);
        assert!(entries.is_sorted_by(|a, b| a < b));
        let list = Breached::default();
        for bad in [
            "password",
            "Password1",
            "12345678",
            "QWERTYUIOP",
            "iloveyou",
            "trustno1",
        ] {
            assert!(list.is_common(bad), "{bad}");
        }
        for good in [
            "correct horse",
            "correct horse battery staple",
            "tr0mb0ne-und-Glocke",
        ] {
            assert!(!list.is_common(good), "{good}");
        }
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for ending in ["\r\n", "\n"] {
            for n in [1_u32, 2, 3, 10, 257] {
                // Counts of different lengths, so that lines are not all alike.
                let hash = |i: u32| format!("{:040X}", u128::from(2 * i + 1) << 100);
                let lines: Vec<String> = (0..n)
                    .map(|i| format!("{}:{}", hash(i), 10_u64.pow(i % 9)))
                    .collect();
                for text in [lines.join(ending), lines.join(ending) + ending] {
                    let mut file = Cursor::new(text.into_bytes());
                    for i in 0..n {
                        assert!(find(&mut file, hash(i).as_bytes()).unwrap(), "{i} of {n}");
                        let beside = format!("{:040X}", u128::from(2 * i) << 100);
                        assert!(!find(&mut file, beside.as_bytes()).unwrap(), "{i} of {n}");
                    }
                    assert!(!find(&mut file, &[b'F'; 40]).unwrap());
                }
            }
        }
        assert!(!find(&mut Cursor::new(Vec::new()), &[b'0'; 40]).unwrap());
    }

    #[test]
    fn a_file_is_judged_when_the_server_starts_and_read_when_it_is_asked() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        // SHA-1 of "correct horse".
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, b"correct horse");
        let hash: String = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        write!(file, "{hash}:7\r\n").unwrap();
        let list = Breached::with_file(file.path()).unwrap();
        assert!(list.is_in_file("correct horse").unwrap());
        assert!(!list.is_in_file("correct horsf").unwrap());
        let mut other = tempfile::NamedTempFile::new().unwrap();
        writeln!(other, "password").unwrap();
        assert!(Breached::with_file(other.path()).is_err());
        assert!(Breached::with_file(Path::new("/nowhere/at/all")).is_err());
    }
}
