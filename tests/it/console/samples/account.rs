//! The own account, and what stands before it.

use belltower::config::Language;
use belltower::console::account::AccountPage;
use belltower::console::account::factor::FactorPage;
use belltower::console::account::sessions::SessionLine;
use belltower::console::again::AgainPage;
use belltower::console::form::FieldFaults;
use belltower::console::operator_sign_in::OperatorSignInPage;
use belltower::console::page::Theme;
use belltower::console::settings::sign_in::SignInSettingsPage;
use belltower::console::sign_in::CodePage;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::domain::sign_in::SignInRules;
use belltower::http::qr;
use belltower::service::operators::{Factor, Proofs};
use serde_json::{Value, json};

use super::{HOUR, MINUTE, ago, shell, view};

const DAY: u64 = 24 * HOUR;

fn sessions() -> Vec<SessionLine> {
    let line = |name: &str, browser: &str, address: &str, since, seen, is_this| SessionLine {
        end: format!("/console/account/sessions/{name}/end"),
        browser: browser.into(),
        address: address.into(),
        since: ago(since),
        seen_at: ago(seen),
        is_this,
    };
    vec![
        line("a", "Edge · Windows", "10.20.3.41", 2 * HOUR, 0, true),
        line("b", "WeChat · iPhone", "2001:da8:215:3c01::2a41", 5 * HOUR, 12 * MINUTE, false),
    ]
}

fn factor(codes: u64) -> Factor {
    Factor { since: ago(40 * DAY), codes }
}

pub(super) fn account(language: Language, theme: Theme) -> AccountPage {
    AccountPage {
        shell: shell(language, theme, None),
        email: "zhoumin@bell.example".into(),
        roles: vec![Role::Owner.to_string()],
        name: "周敏".into(),
        language: Some(language),
        campus: Some("2001001".into()),
        shortest: 12,
        proofs: Proofs { password: true, code: true },
        factor: Some(factor(3)),
        may_be_told: true,
        sessions: sessions(),
        faults: FieldFaults::default(),
    }
}

pub(super) fn enrolment(language: Language, theme: Theme) -> FactorPage {
    let address = "otpauth://totp/Bell:zhoumin?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bell";
    FactorPage {
        shell: shell(language, theme, None),
        roles: vec![Role::Owner.to_string()],
        factor: None,
        is_required: true,
        offer: Some((qr::picture(address, "QR").unwrap(), "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into())),
        is_covered: false,
        codes: Vec::new(),
        faults: FieldFaults::default(),
    }
}

pub(super) fn enrolled(language: Language, theme: Theme) -> FactorPage {
    FactorPage {
        factor: Some(factor(10)),
        is_required: false,
        offer: None,
        codes: (0..10).map(|n| format!("a{n}bcd-ef{n}gh")).collect(),
        ..enrolment(language, theme)
    }
}

pub(super) fn code(language: Language, theme: Theme) -> CodePage {
    let fault = ("code".to_owned(), view(language).t("fault-wrong_code"));
    CodePage {
        shell: shell(language, theme, None),
        return_to: "/console/<b>".into(),
        faults: FieldFaults::from_iter([fault]),
        refusal: Some("…".into()),
    }
}

pub(super) fn again(language: Language, theme: Theme) -> AgainPage {
    AgainPage {
        shell: shell(language, theme, None),
        action: "/console/sources".into(),
        held: "sealed".into(),
        email: "zhoumin@bell.example".into(),
        proofs: Proofs { password: true, code: true },
        faults: FieldFaults::default(),
        refusal: None,
    }
}

pub(super) fn other(language: Language, theme: Theme) -> OperatorSignInPage {
    OperatorSignInPage {
        shell: shell(language, theme, None),
        id: OperatorId(7),
        name: "李<b>伟".into(),
        email: "liwei@bell.example".into(),
        has_password: false,
        may_edit: true,
        needs_second: true,
        factor: Some(factor(9)),
        has_campus: true,
        campus_id: "2001002".into(),
        sessions: sessions(),
        faults: FieldFaults::default(),
    }
}

pub(super) fn rules(language: Language, theme: Theme) -> SignInSettingsPage {
    let Value::Object(form) = json!(SignInRules::default()) else { panic!("no object") };
    let shell = shell(language, theme, Some(belltower::console::page::Section::Settings));
    SignInSettingsPage {
        tabs: Vec::new(),
        may_edit: true,
        form,
        campus: Some("统一身份认证".into()),
        faults: FieldFaults::default(),
        shell,
    }
}
