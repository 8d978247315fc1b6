//! Templates, and a text as it arrives.

use belltower::config::Language;
use belltower::console::form::FieldFaults;
use belltower::console::page::{Section, Theme};
use belltower::console::templates::edit::{Breaks, TemplateForm, TemplateFormPage};
use belltower::console::templates::mappings::{MappingPage, Source};
use belltower::console::templates::samples::{SampleKind, SampleRow};
use belltower::console::templates::{
    TemplateLine, TemplatePage, TemplatesFragment, TemplatesPage, TextChange, VariableRow, VersionLine,
};
use belltower::console::wording_preview::WordingPreview;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::domain::provider::ProviderKind;
use belltower::domain::template::{Breaking, BrokenMapping};
use belltower::service::messages::{Card, Cut, ShownCard, ShownLanguage, ShownMail, ShownSms, ShownWording};
use belltower::service::providers::{Arrival, By, Form, Mapping, MappingDoubt, Sheet, Slot, Standing};
use belltower::service::templates::{Usage, Use};

use super::{HOUR, ago, shell, view};

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> TemplatesPage {
    let row = TemplateLine {
        slug: "book-due".into(),
        name: "图书到期提醒".into(),
        variants: vec!["en".into(), "sms".into()],
        version: 3,
        usage: Usage { last_at: Some(ago(HOUR)), messages: 10_000, more: true },
        at: ago(30 * HOUR),
        by: "周敏".into(),
    };
    let idle =
        TemplateLine { slug: "old".into(), usage: Usage::default(), variants: Vec::new(), ..row.clone() };
    TemplatesPage {
        shell: shell(language, theme, Some(Section::Templates)),
        q: String::new(),
        idle: true,
        may_edit: true,
        list: TemplatesFragment {
            view: view(language),
            filtered: false,
            limited: true,
            rows: if empty { Vec::new() } else { vec![row, idle] },
        },
    }
}

pub(super) fn preview(language: Language) -> WordingPreview {
    let cut = |text: &str, left_out| Cut { text: text.into(), left_out };
    let card = Card {
        title: Some(cut("《三体》将于周五到期", 0)),
        fields: vec![
            ("thing1".into(), Ok(cut("请于周五前归还…", 12))),
            ("number2".into(), Err("it takes a number".into())),
        ],
        template: Some("tm-7".into()),
        buttons: vec!["详情".into()],
        ..Card::default()
    };
    let shown = ShownLanguage {
        language: "zh-CN".into(),
        email: Ok(ShownMail {
            subject: "《三体》将于周五到期".into(),
            html: "<p>请于<strong>周五</strong>前归还。</p>".into(),
            page: String::new(),
            text: "请于周五前归还。".into(),
        }),
        sms: Ok(vec![ShownSms {
            provider: Some("阿里云短信".into()),
            text: "【东湖农业大学】《三体》周五到期".into(),
            segments: 1,
            left: 54,
            guess: None,
            refused: None,
        }]),
        wechat: Ok(vec![ShownCard { provider: "服务号".into(), card: Ok(card) }]),
    };
    let shown = ShownWording { languages: vec![shown], faults: Vec::new() };
    WordingPreview { view: view(language), campus: "东湖农业大学".into(), shown }
}

fn uses() -> Vec<Use> {
    vec![Use { source: "图书馆".into(), messages: 1204, last_at: ago(HOUR) }]
}

pub(super) fn template(language: Language, theme: Theme) -> TemplatePage {
    let changes = vec![TextChange { place: "body".into(), before: "归还".into(), after: "还书".into() }];
    TemplatePage {
        shell: shell(language, theme, Some(Section::Templates)),
        slug: "book-due".into(),
        name: "图书到期提醒".into(),
        version: 2,
        latest: 3,
        may_edit: true,
        variables: vec![VariableRow {
            name: "book".into(),
            required: true,
            sample: "三体".into(),
            kind: "text",
        }],
        preview: preview(language),
        standings: standings(),
        may_map: true,
        uses: uses(),
        versions: vec![VersionLine { number: 3, at: ago(30 * HOUR), by: "周敏".into(), changes }],
    }
}

fn sample(kind: SampleKind) -> SampleRow {
    SampleRow { name: kind.name().into(), kind, value: "true".into(), required: kind == SampleKind::Text }
}

fn mapping() -> Mapping {
    let slot = |name: &str, source: &str| Slot { name: name.into(), source: source.into() };
    let slots = vec![slot("thing1", "book"), slot("number2", "gone"), slot("", "title")];
    Mapping { id: "tm-7".into(), slots, text: String::new() }
}

fn arrival() -> Arrival {
    let cut = |text: &str, left_out| Ok(Cut { text: text.into(), left_out });
    let slots = vec![
        ("thing1".into(), cut("平凡的世界（全三册…", 6)),
        ("number2".into(), Err("it takes a number".into())),
    ];
    Arrival { language: "zh-CN".into(), slots, text: None, refused: None }
}

fn standings() -> Vec<Standing> {
    let standing = |name: &str, mapping: Option<Mapping>, for_all: Option<&str>| Standing {
        provider: ProviderId(1),
        name: name.into(),
        channel: ChannelKind::Wechat,
        kind: ProviderKind::WechatOfficialAccount,
        enabled: mapping.is_some(),
        mapping,
        for_all: for_all.map(str::to_owned),
        arrivals: vec![arrival(), Arrival { language: "en".into(), slots: Vec::new(), ..arrival() }],
        is_lost: false,
        is_faulty: false,
    };
    vec![
        standing("服务号", Some(mapping()), None),
        standing("备用服务号", None, Some("all")),
        standing("新的", None, None),
        Standing { is_lost: true, is_faulty: true, ..standing("换了密钥的", None, None) },
        Standing { is_faulty: true, ..standing("设置有误的", None, None) },
    ]
}

/// `by`: fields by their kinds, or places with a wording.
pub(super) fn mapped(language: Language, theme: Theme, by: By) -> MappingPage {
    let form = match by {
        By::Place => Form { id: "id", slots: "variables", by, most: 50, has_text: true },
        _ => Form { id: "id", slots: "fields", by, most: 10, has_text: false },
    };
    let source = |word: &str, is_variable| Source { word: word.into(), label: word.into(), is_variable };
    MappingPage {
        shell: shell(language, theme, Some(Section::Templates)),
        slug: "book-due".into(),
        name: "图书到期提醒".into(),
        sources: vec![source("book", true), source("title", false)],
        sheet: Sheet {
            provider: ProviderId(1),
            name: "服务号".into(),
            kind: ProviderKind::WechatOfficialAccount,
            form,
            mapping: Some(mapping()),
            seen: "{}".into(),
            for_all: (by == By::Place).then(|| "all".into()),
        },
        form: mapping(),
        faults: ["form", "id", "slots", "slots_0_name", "slots_1_source", "text"]
            .map(|field| (field.to_owned(), "wrong".to_owned()))
            .into_iter()
            .collect(),
        doubts: vec![
            MappingDoubt::Cut { slot: "thing1".into(), left_out: 6 },
            MappingDoubt::Optional { slot: "thing1".into(), variable: "book".into() },
            MappingDoubt::Unsaid { variable: "day".into() },
        ],
        arrivals: vec![arrival(), Arrival { text: Some("【钟楼】到期".into()), ..arrival() }],
        asks: by == By::Place,
        meanwhile: Some((by == By::Type).then(mapping)),
    }
}

pub(super) fn form(language: Language, theme: Theme) -> TemplateFormPage {
    let form = TemplateForm {
        is_kept: true,
        slug: "book-due".into(),
        version: 3,
        name: "图书到期提醒".into(),
        title: "《{{ book }}》到期".into(),
        body: "请归还。".into(),
        link: String::new(),
        variants: vec![("fax".into(), String::new(), "短".into())],
        samples: SampleKind::ALL.map(sample).to_vec(),
    };
    let whole = BrokenMapping::of(ProviderId(1), "阿里云短信".into(), "SMS_1".into());
    let broken = BrokenMapping {
        gone: vec!["day".into()],
        unsure: vec!["book".into()],
        unsaid: vec!["place".into()],
        ..whole
    };
    let what = Breaking { asked: vec!["place".into()], dropped: vec!["day".into()], mappings: vec![broken] };
    TemplateFormPage {
        shell: shell(language, theme, Some(Section::Templates)),
        form,
        faults: FieldFaults::from_iter([
            ("variant_0".to_owned(), "fax?".to_owned()),
            ("sample_2".to_owned(), "yes?".to_owned()),
            ("sample_4".to_owned(), "line 1".to_owned()),
        ]),
        breaking: Some(Breaks { what, uses: uses(), may_map: true }),
        meanwhile: None,
        preview: preview(language),
    }
}
