//! What time does to broadcasts.

use belltower::domain::emergency::Part;

use super::*;
use crate::support::on_both;

on_both!(a_broadcast_is_over_when_its_time_is, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    campus.turn(Duration::from_mins(5));
    campus.drain().await;
    assert_eq!(campus.state(id).await, State::Live);
    campus.turn(Duration::from_mins(235));
    campus.drain().await;
    assert_eq!(campus.state(id).await, State::Completed);
    assert_eq!(campus.acts(id).await, [Act::Press, Act::Launch, Act::Escalate, Act::Complete]);
});

on_both!(those_who_do_not_answer_are_asked_once_more_by_other_channels, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let id = campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
    campus.drain().await;
    campus.turn(Duration::from_mins(5));
    campus.drain().await;
    campus.turn(Duration::from_mins(5));
    campus.drain().await;
    let progress = campus.progress(id).await;
    let escalations: Vec<_> = progress.parts.iter().filter(|part| part.part == Part::Escalation).collect();
    assert_eq!(escalations.len(), 1, "once");
    let counts = &escalations[0].counts;
    assert_eq!(counts.email, None, "not by the channel that they did not answer");
    assert_eq!(counts.sms.unwrap().planned, 3, "everybody who was asked, and nobody answered");
});
