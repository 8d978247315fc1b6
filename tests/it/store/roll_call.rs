use belltower::clock::Timestamp;
use belltower::domain::answer::Via;
use belltower::domain::audience::{After, Whose};
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::{Condition, Part, State, Unit};
use belltower::domain::id::{BroadcastId, MessageId, RecipientId};
use belltower::store::audience::{ResolvedAudience, members};
use belltower::store::roll_answers::{self, NewAnswer};
use belltower::store::roll_call::{
    BoardRow, CountsRow, PersonRow, Roll, Wanted, boards, counts, find, in_need, list, units,
};
use belltower::store::{Db, broadcasts};

use super::cap::broadcast;
use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

pub(super) const ALERT: MessageId = MessageId(1);

/// A broadcast whose alert, by mail and SMS, was for five people of two colleges: Li and Wang of one class, Zhao of another,
/// a member of staff without either, and Sun, whom nothing reached. Message 2 tells them more, message 3 that it is over.
pub(super) async fn campus(db: &Db) -> BroadcastId {
    sources(db).await;
    keep(db, &[message(1), message(2), message(3), message(4)]).await;
    let mut tx = db.begin().await.unwrap();
    let lead = broadcast(&mut tx, "live fire", None, None).await;
    let more = broadcast(&mut tx, "live more", None, Some(lead)).await;
    broadcasts::add_message(&mut tx, lead, Part::Alert, ALERT).await.unwrap();
    broadcasts::add_message(&mut tx, more, Part::Alert, MessageId(2)).await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, mobile, department, attributes, active, created_at, updated_at) VALUES
          (11, '2024011', '李娜', '+8613800000011', '农学院', '{\"class\":\"农学2401\",\"building\":\"北区7号楼\"}', TRUE, 0, 0),
          (12, '2024012', '王强', NULL, '农学院', '{\"班级\":\"农学2401\",\"dormitory\":\"北区7号楼\"}', TRUE, 0, 0),
          (13, '2024013', '赵敏', '+8613800000013', '农学院', '{\"class\":\"农学2402\",\"building\":\"南区1号楼\"}', TRUE, 0, 0),
          (14, 'T1', '周老师', '+8613800000014', '图书馆', '{}', TRUE, 0, 0),
          (15, '2024015', '孙丽', '+8613800000015', NULL, '{\"class\":2401}', TRUE, 0, 0),
          (16, '2024016', '外人', NULL, '农学院', '{}', TRUE, 0, 0);
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
          state, due_at, attempts, updated_at)
        VALUES
          (101, 1, 1, 1, 1, 11, 11, 1, 'li@x', '李娜', 2, 5, 1, 6), (102, 1, 1, 1, 1, 12, 12, 1, 'wang@x', '王强', 2, 5, 1, 6),
          (103, 1, 1, 1, 1, 13, 13, 1, 'zhao@x', '赵敏', 4, 5, 1, 6), (104, 1, 1, 1, 1, 14, 14, 1, 'zhou@x', '周老师', 2, 5, 1, 6),
          (105, 1, 1, 1, 1, 15, 15, 1, 'sun@x', '孙丽', 4, 5, 1, 6),
          (111, 1, 2, 2, 1, 11, 11, 2, '+8613800000011', '李娜', 2, 5, 1, 6), (113, 1, 2, 2, 1, 13, 13, 2, '+8613800000013', '赵敏', 2, 5, 1, 6),
          (201, 2, 1, 1, 1, 11, 11, 1, 'li@x', '李娜', 2, 5, 1, 6),
          (401, 4, 1, 1, 1, 11, 11, 1, 'li@x', '李娜', 2, 5, 1, 6);
        INSERT INTO message_count (message_id, channel, sent, failed) VALUES (1, 1, 3, 2), (1, 2, 2, 0)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
    lead
}

pub(super) fn roll(broadcast: BroadcastId, within: Option<&[String]>) -> Roll<'_> {
    Roll { broadcast, alert: ALERT, channel: ChannelKind::Email, within }
}

pub(super) fn said(broadcast: BroadcastId, person: i64, condition: Condition, at: i64) -> NewAnswer<'static> {
    NewAnswer {
        broadcast,
        person: RecipientId(person),
        condition,
        place: "",
        words: "",
        via: Via::Email,
        at: Timestamp(at),
        marked_by: None,
    }
}

pub(super) async fn tell(db: &Db, new: NewAnswer<'_>) -> bool {
    let mut tx = db.begin().await.unwrap();
    let stands = roll_answers::answer(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    stands
}

fn ids(rows: &[PersonRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id.0).collect()
}

on_both!(who_needs_help_has_waited_since_they_began_to, |db| async {
    let lead = campus(&db).await;
    for (person, condition, at) in [
        (13, Condition::Help, 100),
        (11, Condition::Help, 200),
        (13, Condition::Help, 300),
        (12, Condition::Help, 50),
        (12, Condition::Safe, 400),
        (12, Condition::Help, 500),
        (14, Condition::Safe, 10),
    ] {
        assert!(tell(&db, said(lead, person, condition, at)).await);
    }
    let rows = in_need(&db, &roll(lead, None), 9).await.unwrap();
    let since: Vec<_> = rows.iter().map(|row| (row.id.0, row.help_since.map(|at| at.0))).collect();
    assert_eq!(since, [(13, Some(100)), (11, Some(200)), (12, Some(500))]);
    assert_eq!(rows[0].answered_at, Some(Timestamp(300)));
    let other = find(&db, &roll(lead, None), RecipientId(14)).await.unwrap().unwrap();
    assert_eq!(other.help_since, None);
});

on_both!(boards_are_of_what_goes_on_or_ended_lately, |db| async {
    let lead = campus(&db).await;
    let mut tx = db.begin().await.unwrap();
    let other = broadcast(&mut tx, "live other", None, None).await;
    tx.commit().await.unwrap();
    tell(&db, said(lead, 11, Condition::Help, 100)).await;
    tell(&db, NewAnswer { marked_by: Some("王敏"), ..said(lead, 13, Condition::Help, 200) }).await;
    tell(&db, said(lead, 12, Condition::Safe, 300)).await;
    let seen = async |since| {
        let rows = boards(&db, Timestamp(since)).await.unwrap();
        let row = |row: BoardRow| (row.id, row.help, row.unmarked, row.newest.map(|at| at.0));
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let with_help = (lead, 2, 1, Some(200));
    assert_eq!(seen(9_000).await, [(other, 0, 0, None), with_help], "the newest first, without what follows");
    let mut tx = db.begin().await.unwrap();
    for (id, state, live) in [(lead, State::Stopped, true), (other, State::Rejected, false)] {
        let mut row = broadcasts::lock(&mut tx, id).await.unwrap().unwrap();
        row.state = state;
        row.ended_at = Some(Timestamp(10_000));
        row.live_at = row.live_at.filter(|_| live);
        broadcasts::update(&mut tx, &row, None).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(seen(9_999).await, [with_help]);
    assert!(seen(10_000).await.is_empty());
});

on_both!(who_was_asked_is_counted_in_all_and_by_where_they_belong, |db| async {
    let lead = campus(&db).await;
    tell(&db, said(lead, 11, Condition::Safe, 100)).await;
    tell(&db, said(lead, 13, Condition::Help, 100)).await;
    tell(&db, said(lead, 16, Condition::Safe, 100)).await;
    let all = counts(&db, &roll(lead, None)).await.unwrap();
    assert_eq!((all.asked, all.help), (5, 1));
    let ours = ["农学院".to_owned()];
    let theirs = counts(&db, &roll(lead, Some(&ours))).await.unwrap();
    assert_eq!(theirs, CountsRow { asked: 3, safe: 1, help: 1 }, "whoever was not asked is no part of it");
    assert_eq!(counts(&db, &roll(lead, Some(&[]))).await.unwrap(), CountsRow::default());
    let by = async |unit, within| {
        let rows = units(&db, &roll(lead, within), unit, 10).await.unwrap();
        rows.into_iter().map(|row| (row.name, row.asked, row.safe, row.help)).collect::<Vec<_>>()
    };
    let row = |name: &str, asked, safe, help| (name.to_owned(), asked, safe, help);
    assert_eq!(
        by(Unit::College, None).await,
        [row("农学院", 3, 1, 1), row("", 1, 0, 0), row("图书馆", 1, 0, 0)]
    );
    assert_eq!(by(Unit::College, Some(&ours[..])).await, [row("农学院", 3, 1, 1)]);
    let classes = by(Unit::Class, None).await;
    assert_eq!(classes[0], row("农学2402", 1, 0, 1), "where help is needed comes first");
    assert!(classes.contains(&row("农学2401", 2, 1, 0)), "under either name: {classes:?}");
    assert!(classes.contains(&row("2401", 1, 0, 0)), "a number, too: {classes:?}");
    let houses = by(Unit::Dormitory, None).await;
    assert!(houses.contains(&row("北区7号楼", 2, 1, 0)) && houses.contains(&row("", 2, 0, 0)), "{houses:?}");
    assert_eq!(units(&db, &roll(lead, None), Unit::Class, 1).await.unwrap().len(), 1);
});

on_both!(people_are_listed_by_what_they_said_and_where_they_belong, |db| async {
    let lead = campus(&db).await;
    tell(&db, NewAnswer { place: "三楼", ..said(lead, 13, Condition::Help, 200) }).await;
    tell(&db, said(lead, 11, Condition::Help, 300)).await;
    tell(&db, said(lead, 12, Condition::Safe, 300)).await;
    let list = async |wanted: &Wanted, within, after: Option<i64>| {
        let after = after.map(RecipientId);
        list(&db, &roll(lead, within), wanted, after, 2).await.unwrap()
    };
    let silent = list(&Wanted::default(), None, None).await;
    assert_eq!(ids(&silent), [14, 15]);
    assert_eq!((silent[0].told, silent[1].told), (true, false), "whom nothing reached is known");
    assert_eq!((silent[0].condition, silent[0].answered_at), (None, None));
    assert_eq!(ids(&list(&Wanted::default(), None, Some(14)).await), [15]);
    let safe = Wanted { condition: Some(Condition::Safe), ..Wanted::default() };
    assert_eq!(ids(&list(&safe, None, None).await), [12]);
    let help = Wanted { condition: Some(Condition::Help), ..Wanted::default() };
    let found = list(&help, None, None).await;
    assert_eq!(ids(&found), [11, 13]);
    assert_eq!((found[1].class.as_str(), found[1].dormitory.as_str()), ("农学2402", "南区1号楼"));
    assert_eq!((found[1].place.as_deref(), found[1].via), (Some("三楼"), Some(Via::Email)));
    let of = |unit, name: &str| Wanted { unit: Some((unit, name.to_owned())), ..Wanted::default() };
    assert_eq!(ids(&list(&of(Unit::College, "图书馆"), None, None).await), [14]);
    assert_eq!(ids(&list(&of(Unit::College, ""), None, None).await), [15], "of whom it is not known");
    for (q, expected) in [("孙", vec![15]), ("T1", vec![14]), ("%", vec![]), ("4015", vec![15])] {
        let wanted = Wanted { q: q.to_owned(), ..Wanted::default() };
        assert_eq!(ids(&list(&wanted, None, None).await), expected, "{q}");
    }
    let library = ["图书馆".to_owned()];
    assert_eq!(ids(&list(&Wanted::default(), Some(&library[..]), None).await), [14]);
    assert_eq!(ids(&in_need(&db, &roll(lead, None), 9).await.unwrap()), [13, 11], "the longest wait first");
    assert_eq!(ids(&in_need(&db, &roll(lead, None), 1).await.unwrap()), [13]);
    assert!(in_need(&db, &roll(lead, Some(&library)), 9).await.unwrap().is_empty());
    let one = async |id, within| find(&db, &roll(lead, within), RecipientId(id)).await.unwrap();
    assert_eq!(one(13, None).await.unwrap().name, "赵敏");
    assert!(one(16, None).await.is_none(), "they were not asked");
    assert!(one(13, Some(&library[..])).await.is_none(), "they are another department's");
});

on_both!(the_silent_are_who_is_told_again, |db| async {
    let lead = campus(&db).await;
    tell(&db, said(lead, 11, Condition::Safe, 100)).await;
    tell(&db, said(lead, 14, Condition::Help, 100)).await;
    let after = After { messages: vec![ALERT], whose: Whose::Silent };
    let audience = ResolvedAudience { after: Some(after), ..ResolvedAudience::default() };
    let found = members(&db, &audience, RecipientId(0), 10).await.unwrap();
    assert_eq!(found, [12, 13, 15].map(RecipientId));
});
