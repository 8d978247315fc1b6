//! Every act, by the service's own function, in every state that there is: what the table of states allows is done and all
//! else refused, without a trace. And what waited past its time, which lapses under whoever touches it.

use belltower::domain::audience::Audience;
use belltower::domain::emergency::Level;
use belltower::domain::emergency::free_text::FreeText;
use belltower::service::broadcasts::{
    Changed, all_clear, approve, correct, edit, go_alone, learn, reject, review, send_back, stop, submit,
    update, withdraw,
};

use super::after::more;
use super::*;
use crate::support::on_both;

/// Words of one's own, which are the same as no other's: any number of them are open at once.
fn words() -> Scenario {
    let words = FreeText {
        alert: more(),
        level: Level::Orange,
        audience: Audience { everyone: true, ..Audience::default() },
        channels: vec![ChannelKind::Email],
        expires_in_minutes: 120,
    };
    words.scenario()
}

/// An owner handed it in a minute ago: it waits for a second person, and may go out without one.
async fn handed_in(campus: &Campus) -> BroadcastId {
    let scenario = words();
    let words = broadcasts::FreeText {
        scenario: &scenario,
        follows: None,
        run: Run::Live,
        note: "",
        from: None,
        request_id: "test",
    };
    let pressed = broadcasts::press_words(&campus.s, &person(Role::Owner, 1), &words).await.unwrap();
    assert_eq!(pressed.state, State::PendingApproval);
    campus.turn(Duration::from_mins(1));
    pressed.id
}

/// Turns the clock to the end of its time.
async fn to_its_end(campus: &Campus, id: BroadcastId) {
    let left = campus.row(id).await.expires_at.since(campus.s.clock.now());
    campus.turn(left);
}

/// One that stands so; `None` where none is ever kept that does.
async fn standing(campus: &Campus, state: State) -> Option<BroadcastId> {
    if state == State::Draft {
        return None;
    }
    let (owner, other) = (person(Role::Owner, 1), person(Role::Reviewer, 3));
    let id = handed_in(campus).await;
    if matches!(state, State::Live | State::Completed | State::Stopped) {
        // Without a second person, so that there is something to review.
        go_alone(&campus.s, &owner, None, id, None, "无人应答", "test").await.unwrap();
    }
    match state {
        State::Draft | State::PendingApproval | State::Live => {}
        State::Returned => send_back(&campus.s, &other, None, id, "请确认").await.unwrap(),
        State::Rejected => reject(&campus.s, &other, None, id, "误报").await.unwrap(),
        State::Stopped => {
            stop(&campus.s, &owner, None, id, "").await.unwrap();
        }
        State::Completed => {
            to_its_end(campus, id).await;
            broadcasts::tick(&campus.s).await.unwrap();
        }
    }
    assert_eq!(campus.state(id).await, state);
    Some(id)
}

/// Does it, as somebody who may; `None` where nobody does such a thing to one that there is: it is begun, or time does it.
async fn does(campus: &Campus, act: Act, id: BroadcastId) -> Option<Result<()>> {
    let s = &campus.s;
    let (owner, second) = (person(Role::Owner, 1), person(Role::Reviewer, 2));
    let version = campus.row(id).await.version;
    let done = match act {
        Act::Submit => submit(s, &owner, None, id).await,
        Act::Edit => edit(s, &owner, None, id, version, Changed::Words(&words())).await,
        Act::Approve => approve(s, &second, None, id, version, "test").await,
        Act::Reject => reject(s, &second, None, id, "误报").await,
        Act::Return => send_back(s, &second, None, id, "请确认").await,
        Act::Override => go_alone(s, &owner, None, id, Some(version), "无人应答", "test").await,
        Act::Update => update(s, &owner, None, id, &more(), "", "test").await.map(drop),
        Act::Stop => stop(s, &owner, None, id, "").await.map(drop),
        Act::Correct => correct(s, &owner, None, id, "test").await.map(drop),
        Act::AllClear => all_clear(s, &owner, None, id, "test").await.map(drop),
        Act::Withdraw => withdraw(s, &owner, None, id, "").await,
        Act::Review => review(s, &second, None, id, "属实").await,
        Act::Learn => learn(s, &second, None, id, "东门的钥匙应放在值班室").await,
        Act::Press | Act::Launch | Act::Attach | Act::Escalate | Act::Complete | Act::Lapse => return None,
    };
    Some(done)
}

fn is_refused(done: &Result<()>) -> bool {
    matches!(done, Err(Error::Conflict { code: "broadcast_state", .. }))
}

/// Refused as what nobody decided about in time.
fn is_too_late(done: &Result<()>) -> bool {
    matches!(done, Err(Error::Conflict { code: "broadcast_lapsed", .. }))
}

/// All that is kept of it.
async fn kept(campus: &Campus, id: BroadcastId) -> String {
    let acts = broadcasts::acts(&campus.s, &TERMINAL, id).await.unwrap();
    format!("{:?} {acts:?}", campus.row(id).await)
}

on_both!(what_a_state_does_not_allow_is_refused_and_leaves_no_trace, |db| async {
    let campus = Campus::new(db, 1).await;
    for state in State::ALL {
        let Some(id) = Box::pin(standing(&campus, *state)).await else { continue };
        let before = kept(&campus, id).await;
        let mut refused = 0;
        for act in Act::ALL.iter().filter(|act| state.after(**act).is_err()) {
            let Some(done) = Box::pin(does(&campus, *act, id)).await else { continue };
            assert!(is_refused(&done), "{act} of {state}: {done:?}");
            assert_eq!(kept(&campus, id).await, before, "{act} of {state}");
            refused += 1;
        }
        assert!(refused > 0, "{state}");
    }
});

on_both!(what_a_state_allows_is_done_and_leads_where_the_table_says, |db| async {
    let campus = Campus::new(db, 1).await;
    for state in State::ALL {
        for act in Act::ALL {
            let Ok(leads_to) = state.after(*act) else { continue };
            let Some(id) = Box::pin(standing(&campus, *state)).await else { continue };
            let Some(done) = Box::pin(does(&campus, *act, id)).await else { continue };
            assert!(done.is_ok(), "{act} of {state}: {done:?}");
            assert_eq!(campus.state(id).await, leads_to, "{act} of {state}");
        }
    }
});

/// How it stands, and the last that was done to it.
async fn end_of(campus: &Campus, id: BroadcastId) -> String {
    let row = campus.row(id).await;
    let acts = broadcasts::acts(&campus.s, &TERMINAL, id).await.unwrap();
    let last = acts.last().unwrap();
    let stands = (row.state, row.next_at, row.live_at, row.ended_at == Some(row.expires_at));
    format!("{stands:?} {} {} {:?} {}", last.act, last.done_by, last.done_from, last.detail.0)
}

on_both!(what_waited_past_its_time_lapses_under_whoever_touches_it_as_it_would_be_swept, |db| async {
    let mut campus = Campus::new(db, 1).await;
    let swept = handed_in(&campus).await;
    to_its_end(&campus, swept).await;
    broadcasts::tick(&campus.s).await.unwrap();
    let lapsed = end_of(&campus, swept).await;
    assert!(lapsed.contains(" lapse belltower "), "{lapsed}");
    let mut refused = Vec::new();
    for state in [State::PendingApproval, State::Returned] {
        // Also what is never done to one that waits: whoever asks for it is told the same.
        for act in Act::ALL {
            let id = Box::pin(standing(&campus, state)).await.unwrap();
            to_its_end(&campus, id).await;
            let Some(done) = Box::pin(does(&campus, *act, id)).await else { continue };
            assert!(is_too_late(&done), "{act} of {state}: {done:?}");
            assert_eq!(end_of(&campus, id).await, lapsed, "{act} of {state}");
            let Some(again) = Box::pin(does(&campus, *act, id)).await else { continue };
            assert!(is_too_late(&again), "{act} of {state} again: {again:?}");
            refused.push(*act);
        }
    }
    let of_what_waits = [Act::Approve, Act::Override, Act::Edit, Act::Return, Act::Submit, Act::Withdraw];
    let of_what_went_out = [Act::Update, Act::Stop, Act::Correct, Act::AllClear, Act::Review, Act::Learn];
    for act in of_what_waits.into_iter().chain(of_what_went_out) {
        assert!(refused.contains(&act), "{act}");
    }
    campus.drain().await;
    assert_eq!(campus.arrived(), []);
});

on_both!(what_waits_goes_out_until_its_time_is_over_and_then_has_all_of_its_time, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = handed_in(&campus).await;
    let left = campus.row(id).await.expires_at.since(campus.s.clock.now());
    campus.turn(left.saturating_sub(Duration::from_millis(1)));
    Box::pin(does(&campus, Act::Approve, id)).await.unwrap().unwrap();
    let row = campus.row(id).await;
    assert_eq!(row.state, State::Live);
    assert_eq!(row.expires_at.since(campus.s.clock.now()), Duration::from_hours(2));
});

on_both!(what_is_handed_in_again_waits_for_all_of_its_time, |db| async {
    let campus = Campus::new(db, 1).await;
    let id = Box::pin(standing(&campus, State::Returned)).await.unwrap();
    let left = campus.row(id).await.expires_at.since(campus.s.clock.now());
    campus.turn(left.saturating_sub(Duration::from_millis(1)));
    Box::pin(does(&campus, Act::Submit, id)).await.unwrap().unwrap();
    let row = campus.row(id).await;
    assert_eq!((row.state, row.next_at), (State::PendingApproval, Some(row.expires_at)));
    assert_eq!(row.expires_at.since(campus.s.clock.now()), Duration::from_hours(2));
    campus.turn(Duration::from_mins(119));
    broadcasts::tick(&campus.s).await.unwrap();
    Box::pin(does(&campus, Act::Approve, id)).await.unwrap().unwrap();
    assert_eq!(campus.state(id).await, State::Live);
});

on_both!(what_is_changed_waits_for_all_of_its_time_which_is_that_of_the_change, |db| async {
    let campus = Campus::new(db, 1).await;
    let owner = person(Role::Owner, 1);
    for state in [State::PendingApproval, State::Returned] {
        let id = Box::pin(standing(&campus, state)).await.unwrap();
        let left = campus.row(id).await.expires_at.since(campus.s.clock.now());
        campus.turn(left.saturating_sub(Duration::from_millis(1)));
        let shorter = Scenario { expires_in_minutes: 90, ..words() };
        let version = campus.row(id).await.version;
        edit(&campus.s, &owner, None, id, version, Changed::Words(&shorter)).await.unwrap();
        let row = campus.row(id).await;
        assert_eq!((row.state, row.next_at), (state, Some(row.expires_at)));
        assert_eq!(row.expires_at.since(campus.s.clock.now()), Duration::from_mins(90));
        campus.turn(Duration::from_mins(89));
        broadcasts::tick(&campus.s).await.unwrap();
        assert_eq!(campus.state(id).await, state);
        campus.turn(Duration::from_mins(1));
        broadcasts::tick(&campus.s).await.unwrap();
        assert_eq!(campus.state(id).await, State::Rejected, "and no longer");
    }
});

on_both!(what_is_changed_at_its_end_goes_out_by_its_author_alone_once_nobody_came, |db| async {
    let campus = Campus::new(db, 1).await;
    let owner = person(Role::Owner, 1);
    let id = handed_in(&campus).await;
    let left = campus.row(id).await.expires_at.since(campus.s.clock.now());
    campus.turn(left.saturating_sub(Duration::from_secs(1)));
    Box::pin(does(&campus, Act::Edit, id)).await.unwrap().unwrap();
    campus.turn(Duration::from_mins(1));
    broadcasts::tick(&campus.s).await.unwrap();
    go_alone(&campus.s, &owner, None, id, None, "无人应答", "test").await.unwrap();
    let row = campus.row(id).await;
    assert_eq!(row.state, State::Live);
    assert_eq!(row.expires_at.since(campus.s.clock.now()), Duration::from_hours(2));
});

on_both!(a_press_of_what_waited_past_its_time_begins_anew, |db| async {
    let campus = Campus::new(db, 1).await;
    let owner = person(Role::Owner, 1);
    let late = campus.press(&owner, Run::Live).await.unwrap().id;
    to_its_end(&campus, late).await;
    let anew = campus.press(&owner, Run::Live).await.unwrap();
    assert_ne!(anew.id, late);
    assert_eq!((anew.state, anew.attached_to), (State::PendingApproval, None));
    assert_eq!(campus.acts(late).await, [Act::Press, Act::Submit, Act::Lapse]);
});

/// Begins an act while somebody else holds every broadcast, who lets them go when so much time has gone by.
async fn held_up<T>(campus: &Campus, by: Duration, act: impl Future<Output = T>) -> T {
    let mut held = campus.s.db.begin().await.unwrap();
    if matches!(campus.s.db, Db::Postgres(_)) {
        crate::store::execute(&mut held, "LOCK TABLE broadcast IN EXCLUSIVE MODE").await;
    }
    let let_go = async {
        // Until it is begun.
        tokio::task::yield_now().await;
        campus.turn(by);
        held.commit().await.unwrap();
    };
    tokio::join!(act, let_go).0
}

on_both!(what_a_press_took_is_told_apart_from_what_a_second_person_took, |db| async {
    let campus = Campus::new(db, 1).await;
    let took = Duration::from_millis(250);
    let id = handed_in(&campus).await;
    let version = campus.row(id).await.version;
    let reviewer = person(Role::Reviewer, 2);
    let approving = Box::pin(approve(&campus.s, &reviewer, None, id, version, "test"));
    held_up(&campus, took, approving).await.unwrap();
    let times = broadcasts::times(&campus.s, &TERMINAL, id).await.unwrap();
    // It was approved a minute after it was handed in.
    assert_eq!((times.kept, times.decided), (Some(took), Some(Duration::from_mins(1) + took)));
    let officer = person(Role::DutyOfficer, 4);
    let direct = held_up(&campus, took, Box::pin(campus.press(&officer, Run::Live))).await.unwrap().id;
    let times = broadcasts::times(&campus.s, &TERMINAL, direct).await.unwrap();
    assert_eq!((times.kept, times.decided), (Some(took), Some(Duration::ZERO)));
});
