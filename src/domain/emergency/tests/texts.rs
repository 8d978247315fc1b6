//! Texts as they go out.

use proptest::prelude::*;

use super::super::texts::{
    assemble, choose, content, drill, drill_end, drill_mark, params, said, time_of_day,
};
use super::*;
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Rendered, as_markdown};
use crate::domain::emergency::{Chosen, Language, Run, Said, Spoken};
use crate::domain::sms_text;

fn named(place: &str) -> Params {
    Params::from([("place".to_owned(), json!(place))])
}

fn chosen(place: &str) -> Chosen {
    choose(&scenario(), &named(place)).unwrap()
}

fn time() -> Spoken {
    time_of_day(&date(2026, 11, 28).at(8, 5, 59, 0).in_tz("Asia/Shanghai").unwrap())
}

fn faults(params: &Params) -> Vec<(String, String)> {
    let faults = choose(&scenario(), params).unwrap_err();
    faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
}

#[test]
fn a_choice_is_named_in_either_language() {
    let library = Spoken::new("图书馆", "Library");
    for name in ["图书馆", "Library", " library ", "LIBRARY"] {
        assert_eq!(chosen(name).get("place"), Some(&library), "{name}");
    }
    assert_eq!(chosen("Library").words(&scenario(), Language::Chinese), "图书馆");
    let stored = serde_json::to_value(chosen("Library")).unwrap();
    assert_eq!(stored, json!({"place": {"zh": "图书馆", "en": "Library"}}));
    assert_eq!(serde_json::from_value::<Chosen>(stored).unwrap(), chosen("图书馆"));
}

#[test]
fn every_placeholder_is_chosen_from_its_list_and_no_other_is_there() {
    let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(faults(&Params::new()), [at("/params/place", "missing_variable")]);
    for other in [json!("食堂"), json!(""), json!(["图书馆"]), json!(true)] {
        assert_eq!(
            faults(&Params::from([("place".to_owned(), other)])),
            [at("/params/place", "not_a_choice")]
        );
    }
    let mut more = named("图书馆");
    more.insert("time".to_owned(), json!("08:05"));
    more.insert("a/b".to_owned(), json!(1));
    assert_eq!(
        faults(&more),
        [at("/params/a~1b", "unknown_variable"), at("/params/time", "unknown_variable")]
    );
    let listed = choose(&scenario(), &named("食堂")).unwrap_err().remove(0).detail;
    assert!(listed.contains("`图书馆` (`Library`)") && listed.contains("Hall [1]"), "{listed}");
}

#[test]
fn each_channel_and_language_says_its_own_words_and_nothing_else() {
    let texts = scenario().alert;
    for campus in Language::ALL {
        for place in ["图书馆", "第1*教学楼"] {
            let content = content(&texts, &chosen(place), &time(), Run::Live, campus);
            assert_eq!(content.faults(), []);
            for language in Language::ALL {
                let said = said(&texts, &chosen(place), &time(), Run::Live, language);
                for tag in [language.tag(), language.name()] {
                    let of = |channel| content.select(channel, Some(tag)).render();
                    assert_eq!(sms_text::words(&of(ChannelKind::Sms)), said.sms);
                    let (mail, card) = (of(ChannelKind::Email), of(ChannelKind::Wechat));
                    assert_eq!((&*mail.title, &*card.title), (&*said.title, &*said.title));
                    assert_eq!(&*card.plain, said.wechat);
                    assert_eq!(mail, Rendered::new(&said.title, &said.body, None));
                }
            }
            // Whoever has no language reads the campus's.
            let own = said(&texts, &chosen(place), &time(), Run::Live, campus);
            assert_eq!(sms_text::words(&content.select(ChannelKind::Sms, None).render()), own.sms);
        }
    }
}

#[test]
fn values_are_shown_as_they_are() {
    let said = said(&scenario().alert, &chosen("第1*教学楼"), &time(), Run::Live, Language::Chinese);
    assert_eq!(said.title, "第1*教学楼发生火情，请撤离");
    let mail = Rendered::new(&said.title, &said.body, None);
    assert_eq!(&*mail.plain, "第1*教学楼发生火情，请撤离。\n\n（08:05）");
    assert!(mail.html.starts_with("<p><strong>第1*教学楼"), "{}", mail.html);
}

#[test]
fn a_drill_says_so_first_and_last_in_every_text() {
    for run in [Run::Drill, Run::Exercise] {
        for part in [scenario().alert, scenario().correction, scenario().all_clear] {
            let content = content(&part, &chosen("图书馆"), &time(), run, Language::Chinese);
            for language in Language::ALL {
                for channel in ChannelKind::ALL {
                    let said = content.select(channel, Some(language.tag())).render();
                    assert!(said.plain.starts_with(drill_mark(language)), "{}", said.plain);
                    assert!(said.plain.ends_with(drill_end(language)), "{}", said.plain);
                    assert!(
                        channel == ChannelKind::Sms || said.title.starts_with(drill_mark(language)),
                        "{}",
                        said.title
                    );
                }
            }
        }
    }
    let live = content(&scenario().alert, &chosen("图书馆"), &time(), Run::Live, Language::Chinese);
    assert!(!serde_json::to_string(&live).unwrap().contains("演练"));
}

#[test]
fn a_name_that_signs_a_text_does_not_run_into_what_ends_a_drill() {
    let sms = |text: &str, language| drill(&Said { sms: text.to_owned(), ..Said::default() }, language).sms;
    for (language, text, expected) in [
        (
            Language::Chinese,
            "给您带来不便。保卫处",
            "【演练】给您带来不便。保卫处。以上为演练内容，无需采取任何行动。",
        ),
        (Language::Chinese, "请撤离。", "【演练】请撤离。以上为演练内容，无需采取任何行动。"),
        (
            Language::English,
            "Sorry. Campus Security",
            "[DRILL] Sorry. Campus Security. This is a drill. No action is needed.",
        ),
        (Language::English, "Leave now.", "[DRILL] Leave now. This is a drill. No action is needed."),
    ] {
        assert_eq!(sms(text, language), expected);
    }
}

#[test]
fn what_is_not_said_by_a_channel_stays_unsaid() {
    let mail_only = |_| Said { title: "t".into(), body: "b".into(), ..Said::default() };
    let content = assemble(Language::Chinese, mail_only);
    assert_eq!(content.variants.keys().collect::<Vec<_>>(), ["en"]);
    let drilled = drill(&mail_only(Language::English), Language::English);
    assert_eq!(
        (drilled.sms.as_str(), drilled.wechat.as_str(), drilled.title.as_str()),
        ("", "", "[DRILL] t")
    );
}

#[test]
fn a_text_that_nobody_checked_shows_what_it_lacks() {
    let mut texts = scenario().alert;
    texts.zh.sms = "{{ place }} {{ gate }} {{ broken".into();
    texts.zh.title = "{{ gate }}起火".into();
    let said = said(&texts, &chosen("图书馆"), &time(), Run::Live, Language::Chinese);
    assert_eq!(said.title, "‹gate›起火");
    assert_eq!(said.sms, "{{ place }} {{ gate }} {{ broken");
}

#[test]
fn vendors_get_values_by_name() {
    let values = params(&chosen("图书馆"), &time(), Language::English);
    assert_eq!(json!(values), json!({"place": "Library", "time": "08:05"}));
}

proptest! {
    #[test]
    fn plain_text_comes_out_of_markdown_as_it_went_in(
        lines in proptest::collection::vec("[!-~，。！？：【】（）钟楼发生火情撤离]([ -~，。！？：【】（）钟楼发生火情撤离]{0,40}[!-~，。！？：【】（）钟楼])?", 1..4),
    ) {
        let text = lines.join("\n");
        prop_assert_eq!(&*Rendered::new("", &as_markdown(&text), None).plain, text);
    }
}
