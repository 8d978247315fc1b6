//! Many addresses at once: put on the list, taken off it, and taken along as a file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{LONGEST_ADDRESS, LONGEST_NOTE, MOST_DAYS, SuppressionRow, choice, days_long, mark, read_reason};
use crate::clock::Timestamp;
use crate::domain::address::normalise;
use crate::domain::channel::AddressKind;
use crate::domain::fields::Fields;
use crate::domain::id::SuppressionId;
use crate::domain::operator::Permission;
use crate::domain::suppression::Cause;
use crate::error::Fault;
use crate::service::{Caller, Services};
use crate::store::audit;
use crate::store::suppressions::{self as store, NewSuppression};
use crate::{Error, Result};

/// Addresses that are put on the list at once.
pub const MOST_LINES: usize = 2_000;
/// Addresses that are taken off it at once.
const MOST_REMOVED: usize = 200;
/// Addresses that one entry of the audit log names; more stand in as many entries as they take.
const MOST_MARKS: usize = 200;
/// What a table calls its first column.
const HEADS: [&str; 10] =
    ["地址", "邮箱", "邮件地址", "电子邮箱", "手机", "手机号", "address", "e-mail", "email", "mobile"];

/// Puts addresses on the list, one a line with a note of its own after a comma, for what `{cause, note?, days?}` says; all
/// of them or none. What somebody put there and still holds stays as it is. How many they are, each once.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; that of a line at `/addresses/<line>`, counted from one.
pub async fn add_many(s: &Services, caller: &Caller, body: &Value, text: &str) -> Result<u64> {
    caller.require(Permission::DirectoryEdit)?;
    let mut fields = Fields::of(body)?;
    let cause = choice::<Cause>(&mut fields, "cause");
    if cause == Some(Cause::Bounced) {
        fields.fault("cause", "not_allowed", "providers tell that; use asked or wrong");
    }
    let note = fields.text("note", LONGEST_NOTE).unwrap_or_default();
    let days = fields.number("days", 1..=MOST_DAYS);
    let (lines, faults) = read(text);
    fields.extend(faults);
    fields.finish()?;
    let cause = cause.ok_or_else(|| Error::internal("a fault was not told"))?;
    let (now, by) = (s.clock.now(), caller.label());
    let until = days.map_or(Timestamp::NEVER, |days| now.plus(days_long(days)));
    let mut tx = s.db.begin().await?;
    // In one order, so that two at once wait for each other and not in a circle.
    for ((_, address), (kind, own_note)) in &lines {
        let note = if own_note.is_empty() { &note } else { own_note };
        let new = NewSuppression { kind: *kind, address, cause, note, by: &by, until };
        store::insert_told(&mut tx, &new, now).await?;
    }
    let marks: Vec<_> = lines.keys().map(|(_, address)| mark(s, address)).collect();
    for marks in marks.chunks(MOST_MARKS) {
        let detail = json!({ "addresses": marks.len(), "cause": cause, "days": days, "marks": marks });
        audit::append(&mut tx, now, &by, "suppression.add", "", &detail).await?;
    }
    tx.commit().await?;
    Ok(lines.len() as u64)
}

type Lines = BTreeMap<(i64, String), (AddressKind, String)>;

/// The addresses of a text by kind and address, each with its note, and what is wrong with others.
fn read(text: &str) -> (Lines, Vec<Fault>) {
    let (mut lines, mut faults) = (Lines::new(), Vec::new());
    let filled = text.trim_start_matches('\u{feff}').lines().enumerate();
    let mut filled = filled.filter(|(_, line)| !line.trim().is_empty()).peekable();
    if filled.peek().is_none() {
        return (lines, vec![Fault::new("/addresses", "required", "name at least one address")]);
    }
    for (n, (at, line)) in filled.enumerate() {
        if n == MOST_LINES {
            let detail = format!("at most {MOST_LINES} addresses at once");
            faults.push(Fault::new("/addresses", "too_many", detail));
            break;
        }
        let (address, note) = cells(line);
        let place = format!("/addresses/{}", at + 1);
        if address.chars().count() > LONGEST_ADDRESS || note.chars().count() > LONGEST_NOTE {
            faults.push(Fault::new(place, "too_long", "this line is too long"));
            continue;
        }
        if note.chars().any(char::is_control) {
            faults.push(Fault::new(place, "control_character", "control characters are not allowed"));
            continue;
        }
        let kind = kind_of(&address);
        match normalise(kind, &address) {
            Ok(_) if normalise(kind_of(&note), &note).is_ok() => {
                faults.push(Fault::new(place, "two_addresses", "write each address on a line of its own"));
            }
            Ok(address) => drop(lines.insert((kind.code(), address.to_lowercase()), (kind, note))),
            // A table's heads; its rows follow.
            Err(_) if n == 0 && HEADS.contains(&address.to_lowercase().as_str()) => {}
            Err(why) => faults.push(Fault::new(place, "bad_address", why.to_string())),
        }
    }
    if lines.is_empty() && faults.is_empty() {
        faults.push(Fault::new("/addresses", "required", "name at least one address"));
    }
    (lines, faults)
}

pub(super) fn kind_of(address: &str) -> AddressKind {
    if address.contains('@') { AddressKind::Email } else { AddressKind::Mobile }
}

/// The address and the note of a line: the first two cells, which may stand in quotes.
fn cells(line: &str) -> (String, String) {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.trim().chars() {
        match c {
            '\u{22}' => quoted = !quoted,
            ',' | '，' | '\t' | ';' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    // What our own files put before a cell that begins like a formula.
    let mut cells = cells.into_iter().map(|cell| cell.trim().trim_start_matches('\'').to_owned());
    (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
}

/// Takes addresses off the list for one reason. Those that are gone already are no fault; how many there were.
pub async fn remove_many(s: &Services, caller: &Caller, ids: &[SuppressionId], reason: &str) -> Result<u64> {
    caller.require(Permission::DirectoryEdit)?;
    let mut faults = Vec::new();
    if ids.is_empty() {
        faults.push(Fault::new("/ids", "none_chosen", "choose at least one address"));
    } else if ids.len() > MOST_REMOVED {
        faults.push(Fault::new("/ids", "too_many", format!("at most {MOST_REMOVED} at once")));
    }
    let reason = read_reason(reason).map_err(|fault| faults.push(fault)).unwrap_or_default();
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let mut tx = s.db.begin().await?;
    let rows = store::delete_many(&mut tx, ids).await?;
    let marks: Vec<_> = rows.iter().map(|row| mark(s, &row.address)).collect();
    for marks in marks.chunks(MOST_MARKS) {
        let detail = json!({ "addresses": marks.len(), "reason": reason, "marks": marks });
        audit::append(&mut tx, s.clock.now(), &caller.label(), "suppression.remove", "", &detail).await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

/// Writes down that an operator takes the list along, and how many addresses it has. What was searched for may be one.
pub async fn note_export(s: &Services, caller: &Caller, part: &str) -> Result<()> {
    caller.require(Permission::DirectoryView)?;
    let part = Some(part.trim()).filter(|part| !part.is_empty());
    let detail = json!({
        "addresses": store::count(&s.db, part).await?,
        "searched": part.is_some(),
        "whole": caller.require(Permission::DirectoryReveal).is_ok(),
    });
    let mut tx = s.db.begin().await?;
    audit::append(&mut tx, s.clock.now(), &caller.label(), "suppression.export", "", &detail).await?;
    tx.commit().await
}

/// The next of the list for a file; addresses are masked for whoever may not learn them.
pub async fn export(
    s: &Services,
    caller: &Caller,
    part: &str,
    before: Option<SuppressionId>,
    limit: u32,
) -> Result<Vec<SuppressionRow>> {
    caller.require(Permission::DirectoryView)?;
    let whole = caller.require(Permission::DirectoryReveal).is_ok();
    let part = Some(part.trim()).filter(|part| !part.is_empty());
    let rows = store::list(&s.db, part, before, limit).await?;
    Ok(rows.into_iter().map(|row| if whole { row } else { row.shown_to(caller) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Vec<String>, Vec<String>) {
        let (lines, faults) = read(text);
        let line =
            |((_, address), (_, note)): ((i64, String), (AddressKind, String))| format!("{address}|{note}");
        (
            lines.into_iter().map(line).collect(),
            faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect(),
        )
    }

    #[test]
    fn addresses_come_one_a_line_or_as_a_table() {
        let (lines, faults) = found(
            "\u{feff}地址,备注\r\nA@bell.example\r\n\r\n\"'+86138 1234 5678\",\"停机, 见工单\"\r\na@bell.example，再说一次\n",
        );
        assert_eq!(lines, ["a@bell.example|再说一次", "+8613812345678|停机, 见工单"]);
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn what_is_no_address_is_told_by_its_line() {
        assert_eq!(found(" \n").1, ["/addresses required"]);
        assert_eq!(found("邮箱").1, ["/addresses required"]);
        assert_eq!(found("a@bell.example, b@bell.example").1, ["/addresses/1 two_addresses"]);
        assert_eq!(found("zhang.san\na@bell.example").1, ["/addresses/1 bad_address"]);
        assert_eq!(found("l***@bell.example").1, ["/addresses/1 bad_address"]);
        let long = format!("a@bell.example,{}", "长".repeat(301));
        let (lines, faults) = found(&format!("a@\n12\nb@bell.example\n李娜\n{long}"));
        assert_eq!(lines, ["b@bell.example|"]);
        let expected = [
            "/addresses/1 bad_address",
            "/addresses/2 bad_address",
            "/addresses/4 bad_address",
            "/addresses/5 too_long",
        ];
        assert_eq!(faults, expected);
        let (lines, faults) = found(&"13812345678\n".repeat(MOST_LINES + 1));
        assert_eq!((lines.len(), faults.as_slice()), (1, &["/addresses too_many".to_owned()][..]));
    }
}
