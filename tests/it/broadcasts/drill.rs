//! A drill for people with real addresses, on a campus where every vendor is set up: none of them hears of it.

use std::sync::Arc;

use belltower::domain::emergency::Part;
use belltower::service::broadcasts::correct;
use belltower::simulator::{HttpSmsOptions, HttpSmsSimulator, VendorClock, WecomOptions, WecomSimulator};

use super::*;
use crate::support::on_both;

const PEOPLE: u64 = 3;

/// What each vendor was asked so far, whatever it was.
fn asked(campus: &Campus, gateway: &HttpSmsSimulator, corp: &WecomSimulator) -> [u64; 3] {
    let asked = corp.stats();
    let corp = asked.gettoken + asked.send + asked.recall + asked.update;
    [campus.relay.stats().connections, gateway.stats().calls, corp]
}

on_both!(no_vendor_hears_of_a_drill_whatever_follows_it, |db| async {
    let mut campus = Campus::new(db, 0).await;
    let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
    let clock = campus.s.clock.clone();
    let clock = VendorClock(Arc::new(move || clock.now().0));
    let corp = WecomSimulator::start(WecomOptions { clock, ..WecomOptions::default() }).await.unwrap();
    for (name, channel, kind, settings) in [
        ("gateway", ChannelKind::Sms, ProviderKind::HttpSms, gateway.settings()),
        ("corp", ChannelKind::Wechat, ProviderKind::Wecom, corp.settings()),
    ] {
        let name = name.to_owned();
        let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
        providers::create(&campus.s, &operator(Role::Owner), new).await.unwrap();
    }
    for number in 0..PEOPLE {
        let body = json!({
            "name": "李想", "email": format!("p{number}@campus.example"), "mobile": format!("138000{number:05}"),
            "wecom_userid": format!("member{number}"),
        });
        recipients::put(&campus.s, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let officer = person(Role::DutyOfficer, 1);
    let before = asked(&campus, &gateway, &corp);

    let id = campus.press(&officer, Run::Drill).await.unwrap().id;
    campus.drain().await;
    // Nobody has said that they are safe.
    campus.turn(Duration::from_mins(6));
    campus.drain().await;
    assert!(campus.acts(id).await.contains(&Act::Escalate));
    correct(&campus.s, &officer, None, id, "test").await.unwrap();
    campus.drain().await;
    campus.turn(Duration::from_mins(2));
    campus.drain().await;
    let progress = campus.progress(id).await;
    let mut said: Vec<_> = progress.parts.iter().map(|one| (one.part, one.counts.all.planned > 0)).collect();
    said.sort_unstable_by_key(|(part, _)| part.code());
    let mut all = [Part::Alert, Part::Escalation, Part::Correction].map(|part| (part, true));
    all.sort_unstable_by_key(|(part, _)| part.code());
    assert_eq!(said, all);
    assert_eq!(asked(&campus, &gateway, &corp), before);

    // They are there: what is live comes to everybody by each of them.
    campus.press(&officer, Run::Live).await.unwrap();
    campus.drain().await;
    let taken = [campus.relay.mailbox().total(), gateway.inbox().total(), corp.mailbox().total()];
    assert_eq!(taken, [PEOPLE; 3]);
});
