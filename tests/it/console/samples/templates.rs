//! Templates, and a text as it arrives.

use belltower::config::Language;
use belltower::console::form::FieldFaults;
use belltower::console::page::{Section, Theme};
use belltower::console::templates::edit::{Breaks, TemplateForm, TemplateFormPage};
use belltower::console::templates::{
    TemplateLine, TemplatePage, TemplatesFragment, TemplatesPage, TextChange, VariableRow, VersionLine,
};
use belltower::console::wording_preview::WordingPreview;
use belltower::domain::template::Breaking;
use belltower::service::messages::{Card, Cut, ShownCard, ShownLanguage, ShownMail, ShownSms, ShownWording};
use belltower::service::templates::Use;

use super::{HOUR, ago, shell, view};

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> TemplatesPage {
    let row = TemplateLine {
        slug: "book-due".into(),
        name: "图书到期提醒".into(),
        variants: vec!["en".into(), "sms".into()],
        version: 3,
        at: ago(30 * HOUR),
        by: "周敏".into(),
    };
    TemplatesPage {
        shell: shell(language, theme, Some(Section::Templates)),
        q: String::new(),
        may_edit: true,
        list: TemplatesFragment {
            view: view(language),
            filtered: false,
            rows: if empty { Vec::new() } else { vec![row] },
        },
    }
}

fn preview(language: Language) -> WordingPreview {
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
        uses: uses(),
        versions: vec![VersionLine { number: 3, at: ago(30 * HOUR), by: "周敏".into(), changes }],
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
        samples: vec![("book".into(), "三体".into())],
    };
    let what = Breaking { asked: vec!["place".into()], dropped: vec!["day".into()] };
    TemplateFormPage {
        shell: shell(language, theme, Some(Section::Templates)),
        form,
        faults: FieldFaults::from_iter([("variant_0".to_owned(), "fax?".to_owned())]),
        breaking: Some(Breaks { what, uses: uses() }),
        meanwhile: None,
        preview: preview(language),
    }
}
