//! What takes bytes from outside, given samples that were damaged at random: it may refuse them, but must not panic, run
//! on for ever, or make more of them than they are.
//!
//! Cases come from a seed, as in [`properties`](crate::properties): a failure names its seed and case.
//! `BELLTOWER_FUZZ_CASES` takes another number of cases; the build server takes so many that it is busy for a minute.

mod calls;
mod texts;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::seed::{asked, cases};

/// Damaged samples of each target, unless another number is asked for.
const USUAL: usize = 2_000;
/// Pieces that mean something to some parser.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\t",
    b" ",
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b"{\"a\":",
    b"<",
    b">",
    b"</",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&b;",
    b"&#0;",
    b"&#x110000;",
    b"<![CDATA[",
    b"]]>",
    b"<a>",
    b"%",
    b"%00",
    b"%zz",
    b"&",
    b"=",
    b";",
    b":",
    b",",
    b"null",
    b"true",
    b"1e999",
    b"-1",
    b"99999999999999999999",
    b"0",
    b"+86",
    b"@",
    b"..",
    b"{{",
    b"}}",
    b"{%",
    b"%}",
    b"\xf0\x9f\x98\x80",
    b"\xe9\x92\x9f",
    b"\xc4\xe3",
    b"AND",
    b"NOT",
    b"(",
    b")",
    b"/*",
    b"--",
    b"=?utf-8?B?",
    b"?=",
];

/// One damage.
#[derive(Clone, Debug)]
enum Damage {
    Change(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Put(Index, &'static [u8]),
    /// From here on another sample.
    Splice(Index, Index),
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        2 => (place(), 1_usize..40).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (place(), 1_usize..40, 1_usize..20).prop_map(|(at, length, times)| Damage::Repeat(at, length, times)),
        4 => (place(), select(PIECES)).prop_map(|(at, piece)| Damage::Put(at, piece)),
        1 => (place(), place()).prop_map(|(at, from)| Damage::Splice(at, from)),
        1 => place().prop_map(Damage::End),
    ]
}

/// One of the samples, damaged; now and then as it was, and now and then nothing of the kind.
fn damaged(samples: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let sample = (any::<Index>(), any::<Index>(), vec(damage(), 0..6));
    let damaged = sample.prop_map(move |(one, other, damages)| {
        let mut bytes = samples[one.index(samples.len())].to_vec();
        for damage in damages {
            apply(&mut bytes, &damage, samples[other.index(samples.len())]);
        }
        bytes
    });
    prop_oneof![19 => damaged, 1 => vec(any::<u8>(), 0..200)]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage, other: &[u8]) {
    let length = bytes.len();
    let place = |index: &Index, of: usize| if of == 0 { 0 } else { index.index(of) };
    match damage {
        Damage::Change(at, byte) => {
            if let Some(changed) = bytes.get_mut(place(at, length)) {
                *changed = *byte;
            }
        }
        Damage::Remove(at, most) => {
            let at = place(at, length);
            bytes.drain(at..(at + most).min(length));
        }
        Damage::Repeat(at, most, times) => {
            let at = place(at, length);
            let part = bytes[at..(at + most).min(length)].repeat(*times);
            bytes.splice(at..at, part);
        }
        Damage::Put(at, piece) => {
            let at = place(at, length);
            bytes.splice(at..at, piece.iter().copied());
        }
        Damage::Splice(at, from) => {
            bytes.truncate(place(at, length));
            bytes.extend_from_slice(&other[place(from, other.len())..]);
        }
        Damage::End(at) => bytes.truncate(place(at, length)),
    }
}

/// Runs a target over damaged samples.
fn run(samples: &'static [&'static [u8]], mut target: impl FnMut(&[u8])) {
    let count = asked("BELLTOWER_FUZZ_CASES").map_or(USUAL, |count| count as usize);
    for (_told, bytes) in cases(count, damaged(samples)) {
        target(&bytes);
    }
}

#[test]
fn a_sample_is_damaged_in_every_way() {
    let seen: Vec<Vec<u8>> = cases(500, damaged(&[b"{\"a\": 1}"])).map(|(_, bytes)| bytes).collect();
    assert!(seen.iter().any(|bytes| bytes == b"{\"a\": 1}"), "now and then it is left as it was");
    assert!(seen.iter().any(|bytes| bytes.len() < 8) && seen.iter().any(|bytes| bytes.len() > 40));
    assert!(seen.iter().any(|bytes| std::str::from_utf8(bytes).is_err()));
}
