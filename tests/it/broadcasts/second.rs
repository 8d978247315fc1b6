//! The second person, and going on without one.

use belltower::domain::emergency::Overridden;
use belltower::service::broadcasts::{
    Changed, approve, edit, go_alone, reject, review, send_back, submit, withdraw,
};

use super::*;
use crate::support::on_both;

/// An owner, who is not on duty, began a fire and waits.
async fn waiting(campus: &Campus) -> BroadcastId {
    let pressed = campus.press(&person(Role::Owner, 1), Run::Live).await.unwrap();
    assert_eq!(pressed.state, State::PendingApproval);
    pressed.id
}

async fn say_yes(campus: &Campus, caller: &Caller, id: BroadcastId) -> Result<()> {
    let version = campus.row(id).await.version;
    approve(&campus.s, caller, None, id, version, "test").await
}

on_both!(whoever_is_not_on_duty_waits_for_a_second_person, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let id = waiting(&campus).await;
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0, "nothing goes out before");
    assert!(is_forbidden(say_yes(&campus, &person(Role::Owner, 1), id).await), "by themselves");
    assert!(is_forbidden(say_yes(&campus, &person(Role::Sender, 2), id).await), "without the permission");
    assert!(is_forbidden(say_yes(&campus, &TERMINAL, id).await), "by a command");
    say_yes(&campus, &person(Role::Reviewer, 2), id).await.unwrap();
    campus.drain().await;
    assert_eq!(unique(&campus.arrived()).len(), 2);
    assert_eq!(campus.acts(id).await, [Act::Press, Act::Submit, Act::Approve, Act::Launch]);
    let acts = broadcasts::acts(&campus.s, &TERMINAL, id).await.unwrap();
    assert_eq!(acts[2].detail.0["text"]["alert"]["zh"]["title"], "紧急：{{ place }}发生火情，请立即撤离");
});

on_both!(of_two_who_approve_at_once_one_is_told_that_the_other_did, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let id = waiting(&campus).await;
    let version = campus.row(id).await.version;
    let (first, second) = (person(Role::Reviewer, 2), person(Role::Reviewer, 3));
    let (one, other) = tokio::join!(
        approve(&campus.s, &first, None, id, version, "test"),
        approve(&campus.s, &second, None, id, version, "test"),
    );
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    won.unwrap();
    assert_eq!(conflict(lost), "broadcast_state");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 2, "once each");
});

on_both!(what_is_approved_is_what_was_seen, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    let seen = campus.row(id).await.version;
    let owner = person(Role::Owner, 1);
    edit(&campus.s, &owner, None, id, seen, Changed::Choices(&fire("食堂"))).await.unwrap();
    let late = approve(&campus.s, &person(Role::Reviewer, 2), None, id, seen, "test").await;
    assert_eq!(conflict(late), "broadcast_changed");
    say_yes(&campus, &person(Role::Reviewer, 2), id).await.unwrap();
    campus.drain().await;
    assert_eq!(campus.arrived()[0].1, "紧急：食堂发生火情，请立即撤离");
});

on_both!(an_approver_who_edited_is_no_second_person, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    let editor = person(Role::DutyOfficer, 2);
    let version = campus.row(id).await.version;
    edit(&campus.s, &editor, None, id, version, Changed::Choices(&fire("食堂"))).await.unwrap();
    assert!(is_forbidden(say_yes(&campus, &editor, id).await));
    let returner = person(Role::Reviewer, 3);
    send_back(&campus.s, &returner, None, id, "地点不对").await.unwrap();
    submit(&campus.s, &person(Role::Owner, 1), None, id).await.unwrap();
    assert!(is_forbidden(say_yes(&campus, &returner, id).await), "who gave it back said what to write");
    say_yes(&campus, &person(Role::Reviewer, 4), id).await.unwrap();
    assert_eq!(campus.state(id).await, State::Live);
});

on_both!(one_that_is_given_back_waits_for_its_author_and_one_turned_down_is_over, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    let reviewer = person(Role::Reviewer, 2);
    assert!(matches!(send_back(&campus.s, &reviewer, None, id, " ").await, Err(Error::Invalid(_))));
    send_back(&campus.s, &reviewer, None, id, "请确认楼栋").await.unwrap();
    let row = campus.row(id).await;
    assert_eq!((row.state, row.reason.as_deref()), (State::Returned, Some("请确认楼栋")));
    assert_eq!(conflict(say_yes(&campus, &person(Role::Reviewer, 3), id).await), "broadcast_state");
    submit(&campus.s, &person(Role::Owner, 1), None, id).await.unwrap();
    reject(&campus.s, &person(Role::Reviewer, 3), None, id, "误报").await.unwrap();
    assert_eq!(campus.state(id).await, State::Rejected);
    assert_eq!(conflict(say_yes(&campus, &person(Role::Reviewer, 4), id).await), "broadcast_state");
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 0);
    // The same may be pressed anew.
    assert_ne!(waiting(&campus).await, id);
});

on_both!(only_its_author_takes_one_back, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    assert!(is_forbidden(withdraw(&campus.s, &person(Role::DutyOfficer, 2), None, id, "").await));
    withdraw(&campus.s, &person(Role::Owner, 1), None, id, "弄错了").await.unwrap();
    assert_eq!(campus.state(id).await, State::Rejected);
});

on_both!(its_author_goes_on_alone_where_nobody_comes_and_that_is_looked_at, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    let owner = person(Role::Owner, 1);
    let alone =
        async |caller: &Caller, why: &str| go_alone(&campus.s, caller, None, id, None, why, "test").await;
    assert_eq!(conflict(alone(&owner, "无人应答").await), "override_too_early");
    campus.turn(Duration::from_mins(1));
    assert!(matches!(alone(&owner, "").await, Err(Error::Invalid(_))), "it is said why");
    assert!(is_forbidden(alone(&person(Role::DutyOfficer, 2), "无人应答").await), "somebody else approves");
    alone(&owner, "无人应答").await.unwrap();
    assert_eq!(campus.row(id).await.overridden, Overridden::Unseen);
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 1);
    assert!(is_forbidden(review(&campus.s, &owner, None, id, "").await), "by themselves");
    review(&campus.s, &person(Role::Reviewer, 2), None, id, "属实").await.unwrap();
    assert_eq!(campus.row(id).await.overridden, Overridden::Seen);
    assert_eq!(
        conflict(review(&campus.s, &person(Role::Reviewer, 3), None, id, "").await),
        "broadcast_state"
    );
});

on_both!(an_exercise_never_goes_out_alone, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let owner = person(Role::Owner, 1);
    let id = campus.press(&owner, Run::Exercise).await.unwrap().id;
    campus.turn(Duration::from_mins(10));
    assert!(is_forbidden(go_alone(&campus.s, &owner, None, id, None, "无人应答", "test").await));
    say_yes(&campus, &person(Role::Reviewer, 2), id).await.unwrap();
    campus.drain().await;
    let arrived = campus.arrived();
    assert_eq!(arrived.len(), 1, "it reaches real people");
    assert!(arrived[0].1.starts_with("【演练】"), "and says so: {}", arrived[0].1);
});

on_both!(one_that_nobody_decides_about_lapses, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    campus.turn(Duration::from_mins(239));
    campus.drain().await;
    assert_eq!(campus.state(id).await, State::PendingApproval);
    campus.turn(Duration::from_mins(1));
    campus.drain().await;
    assert_eq!(campus.state(id).await, State::Rejected);
    assert_eq!(conflict(say_yes(&campus, &person(Role::Reviewer, 2), id).await), "broadcast_lapsed");
    let again = submit(&campus.s, &person(Role::Owner, 1), None, id).await;
    assert_eq!(conflict(again), "broadcast_lapsed", "however it is asked for");
    assert_eq!(campus.arrived().len(), 0);
});

on_both!(what_goes_out_alone_is_what_was_seen_and_a_change_begins_the_wait_anew, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    let owner = person(Role::Owner, 1);
    let seen = campus.row(id).await.version;
    campus.turn(Duration::from_secs(59));
    let other = person(Role::DutyOfficer, 2);
    edit(&campus.s, &other, None, id, seen, Changed::Choices(&fire("食堂"))).await.unwrap();
    campus.turn(Duration::from_secs(1));
    let alone = async |version| go_alone(&campus.s, &owner, None, id, version, "无人应答", "test").await;
    assert_eq!(conflict(alone(Some(seen)).await), "broadcast_changed");
    assert_eq!(conflict(alone(None).await), "override_too_early", "a second person has their time anew");
    campus.turn(Duration::from_secs(59));
    alone(Some(campus.row(id).await.version)).await.unwrap();
});

on_both!(what_was_given_back_makes_way_for_whoever_presses_the_same, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let first = waiting(&campus).await;
    // The same once more waits for the same second person.
    let attached = campus.press(&person(Role::Owner, 5), Run::Live).await.unwrap();
    assert_eq!((attached.id, attached.state, attached.differs), (first, State::PendingApproval, false));
    send_back(&campus.s, &person(Role::Reviewer, 2), None, first, "集合点有误").await.unwrap();
    let again = campus.press(&person(Role::Owner, 6), Run::Live).await.unwrap();
    assert_ne!(again.id, first);
    assert_eq!((again.state, again.attached_to), (State::PendingApproval, None));
    assert_eq!(campus.state(first).await, State::Rejected);
    assert_eq!(conflict(submit(&campus.s, &person(Role::Owner, 1), None, first).await), "broadcast_state");
    say_yes(&campus, &person(Role::Reviewer, 2), again.id).await.unwrap();
    campus.drain().await;
    assert_eq!(campus.arrived().len(), 1);
});

on_both!(whoever_pressed_the_same_may_go_on_alone_too, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = waiting(&campus).await;
    campus.press(&person(Role::Owner, 5), Run::Live).await.unwrap();
    campus.turn(Duration::from_mins(1));
    let alone = async |number| {
        go_alone(&campus.s, &person(Role::Owner, number), None, id, None, "联系不上他人", "test").await
    };
    assert!(is_forbidden(alone(7).await), "who never pressed");
    alone(5).await.unwrap();
    assert_eq!(campus.state(id).await, State::Live);
});

on_both!(a_press_with_other_choices_says_that_nobody_was_told_of_them, |db| async {
    let campus = Campus::new(db, 1).await;
    let officer = person(Role::DutyOfficer, 1);
    let first = campus.press(&officer, Run::Live).await.unwrap();
    let params = fire_meeting("图书馆", "东门广场");
    let other = press_fire(&campus.s, &officer, Run::Live, &params).await.unwrap();
    assert_eq!((other.id, other.differs), (first.id, true));
    let same = campus.press(&officer, Run::Live).await.unwrap();
    assert_eq!((same.id, same.differs), (first.id, false));
});
