//! An alert that another system wrote, as a broadcast's words. Whoever approves it reads them before anybody else does.

use super::cap_facts::{CapFacts, Category, Certainty, ResponseType, Urgency};
use super::scenario::{Language, Level, Run, Said, Scenario, Spoken, Texts};
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::cap::{Alert, EventSeverity, Info, Moment, MsgType, Scope, Status, Word as _};
use crate::domain::channel::ChannelKind;
use crate::domain::content::{MAX_BODY, MAX_TITLE, as_markdown, clean_text, clean_title};
use crate::error::Fault;

/// Where an alert does not say until when it holds: an emergency's usual six hours.
const USUAL_MINUTES: u32 = 6 * 60;
/// Nobody is told longer of what another system said once.
const MOST_MINUTES: u32 = 24 * 60;
/// Characters of an SMS; whoever approves it sees how many it is billed as.
const LONGEST_SMS: usize = 280;
/// Characters on a WeChat card.
const LONGEST_CARD: usize = 500;
/// What stands as the code of words that nobody prepared.
const CODE: &str = "--";

/// What keeps a sound alert from becoming a broadcast, each at its element.
pub fn faults(alert: &Alert, now: Timestamp) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |at: &str, code: &'static str, detail: String| faults.push(Fault::new(at, code, detail));
    if matches!(alert.status, Status::System | Status::Draft) {
        let detail = format!(
            "an alert of the status {} is not for people; send Actual, Exercise or Test",
            alert.status
        );
        add("/alert/status", "not_for_people", detail);
    }
    if alert.scope != Scope::Public {
        let detail = format!("broadcasts are for everybody; this alert is {}", alert.scope);
        add("/alert/scope", "not_public", detail);
    }
    match alert.msg_type {
        MsgType::Alert | MsgType::Update => match infos(alert) {
            None => add("/alert/info", "required", "say what happens".to_owned()),
            Some([zh, en]) => {
                let expires = zh.expires.into_iter().chain(en.expires).map(Moment::at).max();
                if expires.is_some_and(|at| at <= now) {
                    add("/alert/info/expires", "expired", "it holds no longer".to_owned());
                }
            }
        },
        MsgType::Cancel => {}
        MsgType::Ack | MsgType::Error => {
            let detail = format!("{} asks for nothing; send Alert, Update or Cancel", alert.msg_type);
            add("/alert/msgType", "not_taken", detail);
        }
    }
    faults
}

/// Whether it is meant for anybody: what is no Actual one goes no further than the sandbox.
pub fn run(alert: &Alert) -> Run {
    if alert.status == Status::Actual { Run::Live } else { Run::Drill }
}

/// The first `info` in Chinese and the first in English. One stands for both where there is no other.
fn infos(alert: &Alert) -> Option<[&Info; 2]> {
    let primary = |info: &Info| {
        let tag = info.language.as_deref().unwrap_or("en-US").to_lowercase();
        tag.split('-').next().unwrap_or_default().to_owned()
    };
    let of = |language: Language| alert.infos.iter().find(|info| primary(info) == language.name());
    let (zh, en) = (of(Language::Chinese), of(Language::English));
    let any = zh.or(en).or(alert.infos.first())?;
    Some([zh.unwrap_or(any), en.unwrap_or(any)])
}

/// The words and facts of an alert that has no [`faults`], in the form of a scenario: to everybody, by these channels.
/// `owner`: who sent it in.
pub fn scenario(alert: &Alert, owner: &str, channels: &[ChannelKind], now: Timestamp) -> Option<Scenario> {
    let [zh, en] = infos(alert)?;
    let event = Spoken::new(short(&zh.event, MAX_TITLE), short(&en.event, MAX_TITLE));
    let title = |info: &Info| {
        let title = short(info.headline.as_deref().unwrap_or_default(), MAX_TITLE);
        if title.is_empty() { short(&info.event, MAX_TITLE) } else { title }
    };
    let titles = Spoken::new(title(zh), title(en));
    let from = |info: &Info| {
        let name = info.sender_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        inert(name.unwrap_or(&alert.sender))
    };
    let ends = [zh, en].into_iter().filter_map(|info| info.expires).map(Moment::at).max();
    let minutes = ends.map_or(USUAL_MINUTES, |at| {
        u32::try_from(at.since(now).as_secs().div_ceil(60)).unwrap_or(MOST_MINUTES).clamp(1, MOST_MINUTES)
    });
    Some(Scenario {
        name: if event.zh.is_empty() || event.en.is_empty() { titles.clone() } else { event.clone() },
        code: CODE.to_owned(),
        level: level([zh, en]),
        life_threatening: false,
        cap: facts(zh, event),
        audience: Audience { everyone: true, ..Audience::default() },
        channels: channels.to_vec(),
        placeholders: Vec::new(),
        alert: Texts {
            zh: said(zh, &titles.zh, &format!("发布单位：{}", from(zh))),
            en: said(en, &titles.en, &format!("Issued by {}", from(en))),
        },
        correction: Texts {
            zh: brief(
                &format!("更正：此前关于“{}”的通知有误", titles.zh),
                "请不要理会该通知，无需采取任何行动。",
                "。",
            ),
            en: brief(
                &format!("Correction: the notice “{}” was wrong", titles.en),
                "Disregard it. You need do nothing.",
                ". ",
            ),
        },
        all_clear: Texts {
            zh: brief(&format!("解除：“{}”已结束", titles.zh), "情况已经结束，恢复正常。", "。"),
            en: brief(
                &format!("All clear: “{}” is over", titles.en),
                "It is over. Everything goes on as usual.",
                ". ",
            ),
        },
        expires_in_minutes: minutes,
        roll_call: false,
        escalation: None,
        owner: owner.to_owned(),
        review_on: jiff::civil::Date::MAX,
        tile: None,
    })
}

/// As grave as the gravest that either says.
fn level(infos: [&Info; 2]) -> Level {
    let one = |info: &Info| match info.severity {
        EventSeverity::Extreme => Level::Red,
        EventSeverity::Severe => Level::Orange,
        EventSeverity::Moderate | EventSeverity::Unknown => Level::Yellow,
        EventSeverity::Minor => Level::Blue,
    };
    infos.map(one).into_iter().min().unwrap_or(Level::Yellow)
}

fn facts(info: &Info, event: Spoken) -> CapFacts {
    let category = info.categories.first().and_then(|one| one.as_str().parse().ok());
    let response = info.response_types.first().and_then(|one| one.as_str().parse().ok());
    CapFacts {
        category: category.unwrap_or(Category::Other),
        urgency: info.urgency.as_str().parse().unwrap_or(Urgency::Unknown),
        certainty: info.certainty.as_str().parse().unwrap_or(Certainty::Unknown),
        response_type: response.unwrap_or(ResponseType::None),
        event,
    }
}

/// What one `info` says, by each channel.
fn said(info: &Info, title: &str, from: &str) -> Said {
    let paragraph = |text: &Option<String>| inert(clean_text(text.as_deref().unwrap_or_default()).trim());
    let (description, instruction) = (paragraph(&info.description), paragraph(&info.instruction));
    let areas: Vec<_> = info.areas.iter().map(|area| inert(area.description.trim())).collect();
    let all = [description.as_str(), instruction.as_str(), &areas.join("; ")];
    let parts: Vec<_> = all.into_iter().filter(|part| !part.is_empty()).collect();
    let mut body: Vec<_> = parts.iter().map(|part| as_markdown(part)).collect();
    body.push(as_markdown(from));
    // What to do comes first where there is little room.
    let urgent = if instruction.is_empty() { &description } else { &instruction };
    let line = clean_title(&format!("{title} {urgent}"));
    Said {
        title: title.to_owned(),
        body: cut(&body.join("\n\n"), MAX_BODY),
        sms: cut(&line, LONGEST_SMS),
        wechat: cut(&parts.iter().copied().chain([from]).collect::<Vec<_>>().join("\n"), LONGEST_CARD),
    }
}

fn brief(title: &str, body: &str, stop: &str) -> Said {
    let title = cut(title, MAX_TITLE);
    Said { sms: format!("{title}{stop}{body}"), body: body.to_owned(), wechat: body.to_owned(), title }
}

fn short(text: &str, most: usize) -> String {
    cut(&inert(&clean_title(text)), most)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Text in which nothing is a variable, whatever it looks like.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        if inert.ends_with('{') && matches!(c, '{' | '%' | '#') {
            inert.push(' ');
        }
        inert.push(c);
    }
    inert
}
