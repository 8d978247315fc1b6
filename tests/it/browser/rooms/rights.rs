//! Operators, roles, and a change of rights that waits.

use belltower::domain::id::OperatorId;
use belltower::domain::operator::{Permission, Role};
use belltower::service::Caller;
use belltower::service::operators::{self, NewOperator, RoleForm, Settled};
use serde_json::json;

use crate::browser::PASSWORD;
use crate::support::TERMINAL;
use crate::support::app::TestApp;

/// Paths of somebody who was invited, of a role that was made, which nobody holds, and of a change that waits.
pub(super) async fn rights(app: &TestApp) -> [String; 3] {
    let new = NewOperator {
        email: "chen@bell.example".to_owned(),
        name: "Chen Chen".to_owned(),
        grants: vec![Role::Sender.into()],
        password: None,
    };
    let invited = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    let form = RoleForm {
        name: "№ 7".to_owned(),
        description: String::new(),
        permissions: vec![Permission::TemplatesView, Permission::TemplatesEdit],
    };
    let made = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
    let waits = proposed(app, invited.operator_id).await;
    [format!("/console/operators/{}", invited.operator_id), format!("/console/roles/{made}"), waits]
}

/// The path of a change that another owner proposed, for whoever looks at the pages to decide.
async fn proposed(app: &TestApp, of: OperatorId) -> String {
    let s = &app.services;
    let new = NewOperator {
        email: "zhao@bell.example".to_owned(),
        name: "Zhao Min".to_owned(),
        grants: vec![Role::Owner.into()],
        password: Some(PASSWORD.to_owned()),
    };
    let zhao = operators::create(s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let zhao = Caller::Operator(operators::operator_of(s, zhao).await.unwrap().unwrap());
    operators::change_rules(s, &TERMINAL, &json!({ "second_administrator": true })).await.unwrap();
    let asked = operators::set_grants(s, &zhao, of, None, vec![Role::Auditor.into()]).await.unwrap();
    operators::change_rules(s, &TERMINAL, &json!({})).await.unwrap();
    let Settled::Waits(id) = asked else { panic!("{asked:?}") };
    operators::explain(s, &zhao, id, "借调到教务处两个月").await.unwrap();
    format!("/console/operators/requests/{id}")
}
