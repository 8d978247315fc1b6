//! What time does to broadcasts.

use belltower::domain::emergency::Part;
use belltower::simulator::Reply;

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

on_both!(where_nobody_is_asked_those_whom_no_channel_reached_are_sent_it_once_more_by_others, |db| async {
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 3, refusing).await;
    campus.without_roll_call().await;
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
    assert_eq!(counts.email, None, "not by the channel that failed");
    assert_eq!(counts.sms.unwrap().planned, 2, "whom the relay refused, and who has no address at all");
});

on_both!(whoever_has_it_by_the_escalation_alone_is_told_that_it_was_false, |db| async {
    let refusing = Faults::default().refusing("p1@campus.example", Reply::new(550, "5.1.1 no such user"));
    let mut campus = Campus::with(db, 3, refusing).await;
    faults::with_telephones(&campus, 3).await;
    campus.mails_then_texts().await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.press(&officer, Run::Live).await.unwrap().id;
    campus.drain().await;
    let by = async |campus: &Campus| {
        campus
            .progress(id)
            .await
            .channels
            .into_iter()
            .map(|one| (one.channel, one.counts.sent + one.counts.delivered))
            .collect::<Vec<_>>()
    };
    assert_eq!(by(&campus).await, [(ChannelKind::Email, 2)]);
    for _ in 0..2 {
        campus.turn(Duration::from_mins(5));
        campus.drain().await;
    }
    assert_eq!(by(&campus).await, [(ChannelKind::Email, 2), (ChannelKind::Sms, 1)]);
    broadcasts::correct(&campus.s, &officer, None, id, "test").await.unwrap();
    campus.drain().await;
    let progress = campus.progress(id).await;
    let correction = progress.parts.iter().find(|part| part.part == Part::Correction).unwrap();
    assert_eq!(correction.counts.sms.map(|counts| counts.sent + counts.delivered), Some(3), "{correction:?}");
});
