use std::collections::BTreeMap;

use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::suppressed::{
    BOUNCED_BEFORE, FREQUENCY_CAP, LEFT_ALONE, NO_ADDRESS, OPTED_OUT, QUIET_EXPIRED,
};
use belltower::domain::id::RecipientId;
use belltower::store::Db;
use belltower::store::audience::{Caps, Missed, ResolvedAudience, reach};
use belltower::store::missed::{Judged, MissedRow, Place, Stretch, Why, list, stretch};
use belltower::store::screen::{Quiet, Screen};
use serde_json::json;

use super::execute;
use super::recipients::{keep, person};
use crate::support::on_both;

const NOW: Timestamp = Timestamp(10);

/// Eight people with whatever keeps a message from somebody.
async fn campus(db: &Db) -> (Screen, Caps) {
    let body = |n: u32| match n {
        1 => json!({"department": "农学院"}),
        2 => json!({"department": "理学院", "mobile": "13800000002"}),
        n => {
            json!({"department": "理学院", "email": format!("p{n}@campus.example"), "mobile": format!("1380000000{n}")})
        }
    };
    let people: Vec<_> = (1..=8).map(|n| person(&n.to_string(), body(n))).collect();
    keep(db, &people, 1).await;
    let mut tx = db.begin().await.unwrap();
    for text in [
        "INSERT INTO opt_out (recipient_id, channel, topic, created_at)
            SELECT id, 0, 'library.#', 0 FROM recipient WHERE campus_id IN ('1', '3')",
        "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until)
            VALUES (1, 'p4@campus.example', 1, '', 0, '', 9223372036854775807),
                (1, 'p5@campus.example', 2, '', 0, '', 9223372036854775807)",
        "INSERT INTO person_day (recipient_id, channel, day, n)
            SELECT id, 2, '2026-09-21', 3 FROM recipient WHERE campus_id IN ('4', '6')",
    ] {
        execute(&mut tx, text).await;
    }
    tx.commit().await.unwrap();
    let screen = Screen { opt_outs: vec!["library.#".to_owned()], suppression: true, ..Screen::default() };
    let caps = Caps { day: "2026-09-21".to_owned(), most: [(ChannelKind::Sms, 3)].into() };
    (screen, caps)
}

fn everyone() -> ResolvedAudience {
    ResolvedAudience { everyone: true, ..ResolvedAudience::default() }
}

/// All of them, so many at a time, of stretches of so many people.
async fn all(
    db: &Db,
    by: &Judged<'_>,
    channels: &[ChannelKind],
    why: Option<Why>,
    (most, limit): (i64, u32),
) -> Vec<MissedRow> {
    let (mut found, mut behind): (Vec<MissedRow>, Place) = (Vec::new(), (RecipientId(0), 0));
    while let Some(part) = stretch(db, by.audience, behind.0, most).await.unwrap() {
        loop {
            let rows = list(db, by, channels, why, (behind, part.end), limit).await.unwrap();
            assert!(rows.len() <= limit as usize);
            let is_last = rows.len() < limit as usize;
            behind = rows.last().map_or(behind, |last| (last.id, last.channel.code()));
            found.extend(rows);
            if is_last {
                break;
            }
        }
        behind = (part.end, i64::MAX);
        if part.people < most {
            break;
        }
    }
    found
}

fn told(rows: &[MissedRow]) -> Vec<(&str, ChannelKind, &str)> {
    rows.iter().map(|row| (row.campus_id.as_str(), row.channel, row.reason.as_str())).collect()
}

on_both!(they_are_named_with_the_reason_that_counts, |db| async {
    let (screen, caps) = campus(&db).await;
    let audience = everyone();
    let by = Judged { audience: &audience, screen: &screen, caps: &caps, whichever: false, now: NOW };
    let (email, sms) = (ChannelKind::Email, ChannelKind::Sms);
    let rows = all(&db, &by, &[email, sms], None, (100, 100)).await;
    let expected = [
        ("1", email, OPTED_OUT),
        ("1", sms, OPTED_OUT),
        ("2", email, NO_ADDRESS),
        ("3", email, OPTED_OUT),
        ("3", sms, OPTED_OUT),
        ("4", email, rows[5].reason.as_str()),
        ("4", sms, FREQUENCY_CAP),
        ("5", email, rows[7].reason.as_str()),
        ("6", sms, FREQUENCY_CAP),
    ];
    assert_eq!(told(&rows), expected);
    let mut listed = [rows[5].reason.as_str(), rows[7].reason.as_str()];
    listed.sort_unstable();
    assert_eq!(listed, [BOUNCED_BEFORE, LEFT_ALONE]);
    let six = rows.last().unwrap();
    assert_eq!(six.department.as_deref(), Some("理学院"));
    assert!(six.address.as_deref().unwrap().ends_with("13800000006"), "{six:?}");
    assert_eq!((rows[2].address.as_deref(), rows[2].address_kind), (None, None));
    assert!(all(&db, &by, &[], None, (100, 100)).await.is_empty());
    // However they are paged, they are the same.
    for at_once in [(2, 1), (3, 2), (100, 1)] {
        assert_eq!(told(&all(&db, &by, &[email, sms], None, at_once).await), expected, "{at_once:?}");
    }
    let capped = all(&db, &by, &[email, sms], Some(Why::Is(FREQUENCY_CAP)), (3, 1)).await;
    assert_eq!(told(&capped), [("4", sms, FREQUENCY_CAP), ("6", sms, FREQUENCY_CAP)]);
    let within = ResolvedAudience { within: Some(vec!["农学院".to_owned()]), ..everyone() };
    let rows = all(&db, &Judged { audience: &within, ..by }, &[email, sms], None, (100, 100)).await;
    assert_eq!(told(&rows), expected[..2]);
});

on_both!(as_many_are_listed_as_are_counted, |db| async {
    let (screen, caps) = campus(&db).await;
    let late = Screen { quiet: [(ChannelKind::Sms, Quiet::TooLong)].into(), ..screen.clone() };
    for (screen, whichever) in [(&screen, false), (&screen, true), (&late, false), (&Screen::default(), true)]
    {
        for within in [None, Some(vec!["理学院".to_owned()])] {
            let audience = ResolvedAudience { within, ..everyone() };
            let by = Judged { audience: &audience, screen, caps: &caps, whichever, now: NOW };
            let counted = reach(&db, &audience, screen, &caps, whichever, NOW).await.unwrap();
            for channel in ChannelKind::ALL {
                let mut found = BTreeMap::new();
                for why in [Why::Is(NO_ADDRESS), Why::Is(OPTED_OUT), Why::Else] {
                    let rows = all(&db, &by, &[channel], Some(why), (3, 2)).await;
                    assert!(rows.iter().all(|row| row.channel == channel));
                    found.insert(format!("{why:?}"), rows.len() as i64);
                }
                let of = |why: Why| found[&format!("{why:?}")];
                let found = Missed {
                    no_address: of(Why::Is(NO_ADDRESS)),
                    opted_out: of(Why::Is(OPTED_OUT)),
                    suppressed: of(Why::Else),
                };
                assert_eq!(found, counted.missed[&channel], "{channel} {screen:?}");
                let any = all(&db, &by, &[channel], None, (3, 2)).await;
                assert_eq!(any.len() as i64, found.no_address + found.opted_out + found.suppressed);
            }
        }
    }
    let audience = everyone();
    let by = Judged { audience: &audience, screen: &late, caps: &caps, whichever: false, now: NOW };
    let rows = all(&db, &by, &[ChannelKind::Sms], Some(Why::Is(QUIET_EXPIRED)), (100, 100)).await;
    assert!(!rows.is_empty());
});

on_both!(a_stretch_is_no_longer_than_was_asked_for, |db| async {
    campus(&db).await;
    let audience = everyone();
    let first = stretch(&db, &audience, RecipientId(0), 3).await.unwrap().unwrap();
    assert_eq!(first.people, 3);
    let Stretch { end, people } = stretch(&db, &audience, first.end, 100).await.unwrap().unwrap();
    assert_eq!(people, 6, "from that one on");
    assert!(stretch(&db, &audience, RecipientId(end.0 + 1), 3).await.unwrap().is_none());
});
