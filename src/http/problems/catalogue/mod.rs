//! Every kind of problem in words, by what it is of.

mod calls;
mod emergencies;
mod limits;
mod messages;
mod rights;
mod sign_in;
mod sources;

use super::{Explained, Words};

const fn problem(code: &'static str, status: u16, en: [&'static str; 3], zh: [&'static str; 3]) -> Explained {
    const fn words([title, meaning, remedy]: [&'static str; 3]) -> Words {
        Words { title, meaning, remedy }
    }
    Explained { code, status, en: words(en), zh: words(zh) }
}

/// What stands in for a code that the catalogue lacks.
pub(super) const UNEXPLAINED: Explained = problem(
    "conflict",
    409,
    [
        "The object's state does not allow this",
        "What you asked for does not fit the state the object is in now.",
        "Read the object again and decide anew.",
    ],
    ["对象当前状态不允许此操作", "所请求的操作与对象当前状态不符。", "请重新读取该对象后再决定。"],
);

/// As they are listed.
const PARTS: [&[Explained]; 7] =
    [calls::ALL, messages::ALL, emergencies::ALL, sources::ALL, rights::ALL, sign_in::ALL, limits::ALL];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

pub(super) static ALL: [Explained; COUNT] = {
    let mut all = [UNEXPLAINED; COUNT];
    let (mut n, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut of = 0;
        while of < PARTS[part].len() {
            all[n] = PARTS[part][of];
            n += 1;
            of += 1;
        }
        part += 1;
    }
    all
};
