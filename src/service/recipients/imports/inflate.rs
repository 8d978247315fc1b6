//! Unpacks what a workbook's archive holds (DEFLATE, RFC 1951), counting what comes out: however small a file is, it does
//! not unpack to more than was allowed.

use std::io::{self, Read, Write};

/// What a reference can reach back.
const WINDOW: usize = 32 * 1024;
const LONGEST_CODE: usize = 15;

const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// The order in which the lengths of the codes for lengths come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Why nothing more comes out.
#[derive(Debug)]
pub(super) enum Stopped {
    /// This is no such data, or it ends too early.
    Broken,
    /// More would come out than was allowed.
    TooMuch,
    Io(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Broken } else { Self::Io(error) }
    }
}

/// Unpacks all of `from` into `into`, at most `most` bytes; answers how many they were.
pub(super) fn inflate(from: impl Read, into: impl Write, most: u64) -> Result<u64, Stopped> {
    let mut bits = Bits { from: io::BufReader::with_capacity(64 * 1024, from), held: 0, count: 0 };
    let mut out = Out { into, window: vec![0; WINDOW], at: 0, written: 0, most };
    loop {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let mut lengths = [8_u8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                packed(&mut bits, &mut out, &Codes::of(&lengths)?, &Codes::of(&[5; 30])?)?;
            }
            2 => {
                let (letters, distances) = codes(&mut bits)?;
                packed(&mut bits, &mut out, &letters, &distances)?;
            }
            _ => return Err(Stopped::Broken),
        }
        if is_last {
            out.flush()?;
            return Ok(out.written);
        }
    }
}

struct Bits<R> {
    from: io::BufReader<R>,
    held: u32,
    count: u32,
}

impl<R: Read> Bits<R> {
    fn take(&mut self, n: u32) -> Result<u32, Stopped> {
        while self.count < n {
            let mut byte = [0];
            self.from.read_exact(&mut byte)?;
            self.held |= u32::from(byte[0]) << self.count;
            self.count += 8;
        }
        let taken = self.held & ((1 << n) - 1);
        self.held >>= n;
        self.count -= n;
        Ok(taken)
    }
}

struct Out<W> {
    into: W,
    window: Vec<u8>,
    at: usize,
    written: u64,
    most: u64,
}

impl<W: Write> Out<W> {
    fn push(&mut self, byte: u8) -> Result<(), Stopped> {
        if self.written == self.most {
            return Err(Stopped::TooMuch);
        }
        self.window[self.at] = byte;
        self.at += 1;
        self.written += 1;
        if self.at == WINDOW {
            self.into.write_all(&self.window)?;
            self.at = 0;
        }
        Ok(())
    }

    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), Stopped> {
        if distance > WINDOW || distance as u64 > self.written {
            return Err(Stopped::Broken);
        }
        for _ in 0..length {
            self.push(self.window[(self.at + WINDOW - distance) % WINDOW])?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        self.into.write_all(&self.window[..self.at])?;
        self.into.flush()?;
        Ok(())
    }
}

/// A canonical prefix code: how many codes there are of each length, and what they stand for in their order.
struct Codes {
    counts: [u16; LONGEST_CODE + 1],
    symbols: Vec<u16>,
}

impl Codes {
    fn of(lengths: &[u8]) -> Result<Self, Stopped> {
        let mut counts = [0_u16; LONGEST_CODE + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut left = 1_i32;
        for count in &counts[1..] {
            left = (left << 1) - i32::from(*count);
            if left < 0 {
                return Err(Stopped::Broken);
            }
        }
        let mut symbols: Vec<u16> =
            (0..lengths.len() as u16).filter(|i| lengths[usize::from(*i)] > 0).collect();
        symbols.sort_by_key(|i| lengths[usize::from(*i)]);
        Ok(Self { counts, symbols })
    }

    fn read<R: Read>(&self, bits: &mut Bits<R>) -> Result<usize, Stopped> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            let count = u32::from(*count);
            if code < first + count {
                return self
                    .symbols
                    .get((index + code - first) as usize)
                    .map(|symbol| usize::from(*symbol))
                    .ok_or(Stopped::Broken);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stopped::Broken)
    }
}

fn stored<R: Read, W: Write>(bits: &mut Bits<R>, out: &mut Out<W>) -> Result<(), Stopped> {
    bits.take(bits.count % 8)?;
    let (length, check) = (bits.take(16)?, bits.take(16)?);
    if length != !check & 0xffff {
        return Err(Stopped::Broken);
    }
    for _ in 0..length {
        out.push(bits.take(8)? as u8)?;
    }
    Ok(())
}

fn codes<R: Read>(bits: &mut Bits<R>) -> Result<(Codes, Codes), Stopped> {
    let letters = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let given = bits.take(4)? as usize + 4;
    let mut lengths = [0_u8; 19];
    for place in &ORDER[..given] {
        lengths[*place] = bits.take(3)? as u8;
    }
    let of_lengths = Codes::of(&lengths)?;
    let mut all: Vec<u8> = Vec::with_capacity(letters + distances);
    while all.len() < letters + distances {
        let (value, times) = match of_lengths.read(bits)? {
            16 => (*all.last().ok_or(Stopped::Broken)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        all.extend(std::iter::repeat_n(value, times as usize));
    }
    if all.len() > letters + distances || letters > 286 {
        return Err(Stopped::Broken);
    }
    Ok((Codes::of(&all[..letters])?, Codes::of(&all[letters..])?))
}

fn packed<R: Read, W: Write>(
    bits: &mut Bits<R>,
    out: &mut Out<W>,
    letters: &Codes,
    distances: &Codes,
) -> Result<(), Stopped> {
    loop {
        match letters.read(bits)? {
            letter @ 0..256 => out.push(letter as u8)?,
            256 => return Ok(()),
            length => {
                let (base, extra) = LENGTHS.get(length - 257).ok_or(Stopped::Broken)?;
                let length = usize::from(*base) + bits.take(u32::from(*extra))? as usize;
                let code = distances.read(bits)?;
                let distance = match code {
                    0..4 => code + 1,
                    4..30 => {
                        let extra = (code / 2 - 1) as u32;
                        ((2 + code % 2) << extra) + 1 + bits.take(extra)? as usize
                    }
                    _ => return Err(Stopped::Broken),
                };
                out.repeat(distance, length)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(bytes: &[u8], most: u64) -> Result<Vec<u8>, &'static str> {
        let mut all = Vec::new();
        match inflate(bytes, &mut all, most) {
            Ok(length) => {
                assert_eq!(length, all.len() as u64);
                Ok(all)
            }
            Err(Stopped::Broken) => Err("broken"),
            Err(Stopped::TooMuch) => Err("too much"),
            Err(Stopped::Io(_)) => Err("io"),
        }
    }

    #[test]
    fn each_kind_of_block_is_unpacked() {
        assert_eq!(unpacked(&[1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c'], 9).unwrap(), b"abc");
        // As zlib packs it: a fixed code, and a reference that runs into what it writes.
        assert_eq!(unpacked(&[0x4b, 0x4c, 0x84, 0x01, 0x00], 99).unwrap(), b"aaaaaaaaaa");
        let dynamic = [
            0xb5, 0x8a, 0xc1, 0x09, 0xc0, 0x30, 0x0c, 0xc4, 0x56, 0xd1, 0x6a, 0x76, 0xec, 0xd8, 0x85, 0xd0,
            0x42, 0x1a, 0xe8, 0xfa, 0x75, 0x86, 0xc8, 0xef, 0x4e, 0x52, 0x03, 0xd4, 0x35, 0xc9, 0x24, 0x30,
            0x4d, 0x89, 0x28, 0x24, 0xa4, 0x83, 0xa1, 0x5d, 0x44, 0xea, 0x96, 0x8a, 0x82, 0xb6, 0x33, 0xeb,
            0xb6, 0x87, 0xcb, 0xaa, 0x46, 0x7d, 0x0c, 0xd6, 0xf3, 0xf9, 0x64, 0x5e, 0x77, 0xbc, 0x9c, 0x80,
            0x3f,
        ];
        let begins = "c   bebh hh g dbhagg   a he  d bfaaa  ag dg a d hh dfd d hea";
        let expected = format!("{begins}{}", "the bell tower rings ".repeat(5));
        assert_eq!(String::from_utf8(unpacked(&dynamic, 999).unwrap()).unwrap(), expected);
    }

    #[test]
    fn no_more_comes_out_than_is_allowed() {
        let ten = [0x4b, 0x4c, 0x84, 0x01, 0x00];
        assert_eq!(unpacked(&ten, 9), Err("too much"));
        assert_eq!(unpacked(&ten[..3], 99), Err("broken"));
        assert_eq!(unpacked(&[7], 9), Err("broken"));
        assert_eq!(unpacked(&[1, 3, 0, 0, 0], 9), Err("broken"));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpacked(&bytes, 10_000);
        }
    }
}
