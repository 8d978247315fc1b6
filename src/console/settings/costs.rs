//! What SMS cost and what departments have for them, with what was spent this month.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::{Map, Value, json};

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form};
use super::super::label::Tone;
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::view::View;
use super::tabs;
use crate::domain::id::ProviderId;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::Services;
use crate::service::costs::{self, Account, OPERATORS, Spent};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/costs";

#[derive(Debug, Template)]
#[template(path = "console/settings/costs.html")]
pub struct CostsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The prices and budgets it was made from, as one word.
    pub seen: String,
    pub currency: String,
    pub price: String,
    /// Each with its price, where it takes one of its own.
    pub providers: Vec<(ProviderId, String, String)>,
    /// Such as `2026-11`.
    pub month: String,
    pub departments: Vec<DepartmentRow>,
    pub faults: FieldFaults,
}

#[derive(Clone, Debug)]
pub struct DepartmentRow {
    /// Empty: of what operators write.
    pub department: String,
    pub budget: String,
    pub spent: Spent,
    /// More than it has.
    pub is_over: bool,
}

/// What was typed, by the names of the fields.
type Typed = Map<String, Value>;

impl CostsPage {
    fn new(signed: &Signed, account: &Account) -> Result<Self> {
        let shell = signed.shell(Section::Settings)?;
        let costs = &account.costs;
        let row = |(department, spent): &(String, Spent)| {
            let budget = costs.budgets.get(department);
            DepartmentRow {
                budget: budget.map(ToString::to_string).unwrap_or_default(),
                is_over: budget.zip(spent.money).is_some_and(|(budget, money)| money > *budget),
                department: department.clone(),
                spent: *spent,
            }
        };
        let provider = |(id, name): &(ProviderId, String)| {
            (*id, name.clone(), costs.providers.get(id).map(ToString::to_string).unwrap_or_default())
        };
        Ok(Self {
            tabs: tabs(&shell.view, PATH),
            may_edit: signed.may(Permission::SettingsEdit),
            seen: costs.word(),
            currency: costs.currency.clone(),
            price: costs.price.map(|price| price.to_string()).unwrap_or_default(),
            providers: account.providers.iter().map(provider).collect(),
            month: account.month.clone(),
            departments: account.departments.iter().map(row).collect(),
            faults: FieldFaults::default(),
            shell,
        })
    }

    /// With what was typed instead.
    fn retyped(mut self, form: &Form) -> Self {
        form.text("currency").clone_into(&mut self.currency);
        form.text("price").clone_into(&mut self.price);
        for (id, _, price) in &mut self.providers {
            form.text(&format!("price_{id}")).clone_into(price);
        }
        let typed = budgets(form);
        for row in &mut self.departments {
            if let Some(Value::String(text)) = typed.get(&row.department) {
                row.budget.clone_from(text);
            }
        }
        self
    }

    fn name(&self, department: &str) -> String {
        if department == OPERATORS { self.shell.view.t("costs-operators") } else { department.to_owned() }
    }

    fn spent(&self, spent: &Spent) -> String {
        spent.money.map_or_else(|| "–".to_owned(), |money| format!("{money} {}", self.currency))
    }
}

/// Departments and what each has; their fields come in pairs.
fn budgets(form: &Form) -> Typed {
    let pairs = form.all("department").zip(form.all("budget"));
    pairs.map(|(department, budget)| (department.to_owned(), budget.trim().into())).collect()
}

fn document(form: &Form, providers: &[(ProviderId, String)]) -> Value {
    let price = |(id, _): &(ProviderId, String)| (id.to_string(), form.text(&format!("price_{id}")).into());
    let providers: Typed = providers.iter().map(price).collect();
    json!({
        "currency": form.text("currency"), "price": form.text("price"), "providers": providers,
        "budgets": budgets(form),
    })
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let account = costs::show(&s, &signed.caller).await?;
    page::html(&CostsPage::new(&signed, &account)?)
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let account = costs::show(&s, &signed.caller).await?;
    let document = document(&form, &account.providers);
    let view = signed.view();
    match costs::change(&s, &signed.caller, form.text("seen"), &document).await {
        Ok(changed) => {
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(PATH))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = CostsPage::new(&signed, &account)?.retyped(&form);
            form.text("seen").clone_into(&mut page.seen);
            page.faults = faults.iter().map(|fault| told(&view, fault)).collect();
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(Error::Conflict { code: "changed_meanwhile", .. }) => {
            // Whoever saves once more has been told what they save over.
            let mut page = CostsPage::new(&signed, &account)?.retyped(&form);
            page.faults = [("form".to_owned(), view.t("settings-meanwhile"))].into_iter().collect();
            page::answer(HttpResponse::Conflict(), &page)
        }
        Err(other) => Err(other),
    }
}

/// The field of a fault: `price_prv_…` of a provider's, `budget/name` of a department's.
fn told(view: &View, fault: &Fault) -> (String, String) {
    let at = &*fault.pointer;
    let field = if let Some(id) = at.strip_prefix("/providers/") {
        format!("price_{id}")
    } else if let Some(department) = at.strip_prefix("/budgets/") {
        format!("budget/{}", department.replace("~1", "/").replace("~0", "~"))
    } else {
        at.trim_start_matches('/').to_owned()
    };
    let key = if field == "currency" { "costs-bad-currency" } else { "costs-bad-amount" };
    (field, view.t(key))
}
