//! The console: pages for operators, rendered here and brought to life by htmx where there is script. A page embeds
//! its fragments, so that a full load and a partial swap show the same markup.

pub mod access;
pub mod account;
pub mod again;
pub mod alarms;
pub mod answers;
pub mod attention;
pub mod audit;
pub mod cards;
pub mod chart;
pub mod compose;
pub mod counts;
pub mod coverage;
mod deliveries;
pub mod design;
mod door;
pub mod emergency;
pub mod error;
pub mod filter_builder;
pub mod first_call;
pub mod form;
mod group_pages;
pub mod groups;
pub mod held;
pub mod label;
pub mod mailbox;
pub mod message;
mod message_file;
pub mod messages;
pub mod operator_sign_in;
pub mod operators;
pub mod overview;
pub mod page;
pub mod people;
mod people_file;
pub mod people_import;
mod people_list;
pub mod person;
pub mod person_acts;
pub mod person_form;
pub mod person_scan;
pub mod posters;
pub mod powers;
mod preferences;
pub mod providers;
pub mod registrations;
pub mod roles;
pub mod rules;
pub mod settings;
mod shown_once;
pub mod sign_in;
mod sms_note;
pub mod source_calls;
pub mod source_guard;
mod source_pages;
pub mod sources;
pub mod subscriptions;
pub mod suppression;
pub mod suppression_many;
mod suppression_pages;
pub mod system;
mod table_file;
pub mod telephones;
pub mod templates;
mod timeline;
mod upload;
pub mod view;
pub mod wording_preview;

use crate::http::routes::routes;

routes! {
    "/" => { GET door::home }
    "/sign-in" => { GET door::show_sign_in, POST door::sign_in }
    "/sign-in/code" => { GET door::show_code, POST door::enter_code }
    "/sign-in/campus" => { GET door::leave_for_campus }
    "/sign-in/campus/back" => { GET door::come_back_from_campus }
    "/set-up" => { GET door::show_set_up, POST door::set_up }
    "/sign-out" => { POST door::sign_out }
    "/preferences" => { POST preferences::change }
    "/console" => { GET overview::show }
    "/console/account" => { GET account::show, POST account::change }
    "/console/account/password" => { POST account::change_password }
    "/console/account/factor" => { GET account::factor::show, POST account::factor::act }
    // Words before names.
    "/console/account/sessions/end-others" => { POST account::sessions::end_others }
    "/console/account/sessions/{name}/end" => { POST account::sessions::end }
    "/console/operators/{id}/sign-in" => { GET operator_sign_in::show }
    "/console/operators/{id}/sign-in/reset-factor" => { POST operator_sign_in::reset_factor }
    "/console/operators/{id}/sign-in/campus" => { POST operator_sign_in::link_campus_id }
    "/console/operators/{id}/sign-in/end-sessions" => { POST operator_sign_in::end_sessions }
    "/console/operators/{id}/sign-in/sessions/{name}/end" => { POST operator_sign_in::end_session }
    "/console/compose" => { GET compose::list, POST compose::create }
    "/console/compose/{id}" => { GET compose::home }
    "/console/compose/{id}/what" => { GET compose::what::show, POST compose::what::update }
    "/console/compose/{id}/what/watch" => { POST compose::what::watch }
    "/console/compose/{id}/who" => { GET compose::who::show, POST compose::who::update }
    "/console/compose/{id}/who/watch" => { POST compose::who::watch }
    "/console/compose/{id}/proof" => { GET compose::proof::show, POST compose::proof::look }
    "/console/compose/{id}/proof/missed" => { GET compose::missed::show, POST compose::missed::export }
    "/console/compose/{id}/try" => { POST compose::trial::try_out }
    "/console/compose/{id}/when" => { GET compose::when::show, POST compose::when::update }
    "/console/compose/{id}/delete" => { POST compose::delete }
    "/console/messages" => { GET messages::show }
    "/console/messages/{id}" => { GET message::show }
    "/console/messages/{id}/progress" => { GET message::show_progress }
    "/console/messages/{id}/answers" => { GET answers::show }
    "/console/messages/{id}/export" => { POST message_file::export }
    "/console/messages/{id}/resend" => { POST message::resend }
    "/console/messages/{id}/cancel" => { POST message::cancel }
    "/console/messages/{id}/release" => { POST held::release }
    "/console/messages/{id}/reject" => { POST held::reject }
    "/console/messages/{id}/deliveries/{delivery}" => { GET deliveries::show }
    "/console/attention" => { GET attention::show }
    "/console/attention/group" => { GET attention::group::show, POST attention::group::act }
    "/console/attention/acts/{id}" => { GET attention::show_act }
    "/console/design" => { GET design::show }
    "/console/held" => { GET held::list }
    "/console/rules" => { GET rules::list, POST rules::edit::create }
    "/console/rules/new" => { GET rules::edit::show_new }
    "/console/rules/hindsight" => { POST rules::edit::look }
    "/console/rules/strangers" => { POST rules::strangers::look }
    "/console/rules/order" => { POST rules::order::save }
    "/console/rules/order/hindsight" => { POST rules::order::look }
    "/console/rules/file" => { GET rules::file::take_along }
    "/console/rules/import" => { GET rules::file::show, POST rules::file::put_in }
    "/console/rules/import/read" => { POST rules::file::read }
    "/console/rules/import/hindsight" => { POST rules::file::look }
    "/console/rules/simulator" => { GET rules::simulator::show, POST rules::simulator::simulate }
    "/console/rules/versions" => { GET rules::versions::list }
    "/console/rules/versions/{number}" => { GET rules::versions::show }
    "/console/rules/versions/{number}/hindsight" => { GET rules::versions::look }
    "/console/rules/versions/{number}/restore" => { POST rules::versions::restore }
    "/console/rules/{id}" => { POST rules::edit::update }
    "/console/rules/{id}/edit" => { GET rules::edit::show }
    "/console/rules/{id}/change" => { GET rules::change::show }
    "/console/rules/{id}/hindsight" => { GET rules::change::look }
    "/console/rules/{id}/move" => { POST rules::shift }
    "/console/rules/{id}/enabled" => { POST rules::set_enabled }
    "/console/rules/{id}/delete" => { POST rules::delete }
    "/console/preview/wording" => { POST wording_preview::show }
    "/console/mailbox" => { GET mailbox::show }
    // Words before ids.
    "/console/mailbox/sms" => { GET telephones::show }
    "/console/mailbox/sms/{id}" => { GET telephones::show_sms }
    "/console/mailbox/wecom" => { GET cards::show }
    "/console/mailbox/wecom/{id}" => { GET cards::show_card, POST cards::press }
    "/console/mailbox/{id}" => { GET mailbox::show_mail }
    "/console/mailbox/{id}/html" => { GET mailbox::show_html }
    "/console/sources" => { GET source_pages::list, POST source_pages::create }
    "/console/sources/new" => { GET source_pages::show_new }
    // Words before ids.
    "/console/sources/registrations" => { GET registrations::list }
    "/console/sources/registrations/{registration}" => { GET registrations::show }
    "/console/sources/registrations/{registration}/approve" => { POST registrations::approve }
    "/console/sources/registrations/{registration}/reject" => { POST registrations::reject }
    "/console/sources/{id}" => { GET source_pages::show, POST source_pages::update }
    "/console/sources/{id}/edit" => { GET source_pages::show_edit }
    "/console/sources/{id}/keys" => { POST source_pages::create_key }
    "/console/sources/{id}/calls" => { GET source_calls::show }
    "/console/sources/{id}/guard" => { GET source_guard::show, POST source_guard::save }
    "/console/sources/{id}/keys/{key}/rotate" => { POST source_pages::rotate_key }
    "/console/sources/{id}/keys/{key}/revoke" => { POST source_pages::revoke_key }
    "/console/sources/{id}/enabled" => { POST source_pages::set_enabled }
    "/console/subscriptions" => { GET subscriptions::list }
    "/console/subscriptions/{id}" => { GET subscriptions::show }
    "/console/subscriptions/{id}/test" => { POST subscriptions::test }
    "/console/subscriptions/{id}/enable" => { POST subscriptions::enable }
    "/console/subscriptions/{id}/rotate" => { POST subscriptions::rotate }
    "/console/subscriptions/{id}/delete" => { POST subscriptions::delete }
    "/console/subscriptions/{id}/deliveries/{delivery}/replay" => { POST subscriptions::replay }
    "/console/new-template" => { GET templates::edit::show_new }
    "/console/templates" => { GET templates::list, POST templates::edit::create }
    "/console/templates/{slug}" => { GET templates::show, POST templates::edit::update }
    "/console/templates/{slug}/edit" => { GET templates::edit::show }
    "/console/templates/{slug}/mappings/{provider}" => { GET templates::mappings::show, POST templates::mappings::save }
    "/console/templates/{slug}/mappings/{provider}/remove" => { POST templates::mappings::remove }
    "/console/providers" => { GET providers::list, POST providers::edit::create }
    "/console/providers/new" => { GET providers::edit::show_new }
    "/console/providers/receipts" => { GET providers::receipts::show }
    "/console/providers/replies" => { GET providers::replies::show }
    "/console/providers/{id}" => { GET providers::show, POST providers::edit::update }
    "/console/providers/{id}/edit" => { GET providers::edit::show_edit }
    "/console/providers/{id}/test" => { POST providers::test }
    "/console/providers/{id}/try" => { POST providers::send_one }
    "/console/providers/{id}/enabled" => { POST providers::set_enabled }
    "/console/alarms" => { GET alarms::show }
    "/console/alarms/wish" => { GET alarms::wish::show, POST alarms::wish::choose }
    "/console/alarms/{id}/acknowledge" => { POST alarms::acknowledge }
    "/console/settings" => { GET settings::home }
    "/console/settings/campus" => { GET settings::campus::show, POST settings::campus::change }
    "/console/settings/calendar" => { GET settings::policy::show_calendar, POST settings::policy::change_calendar }
    "/console/settings/policy" => { GET settings::policy::show_policy, POST settings::policy::change_policy }
    "/console/settings/policy/file" => { GET settings::policy::take_along, POST settings::policy::put_in }
    "/console/settings/versions" => { GET settings::policy::show_versions }
    "/console/system" => { GET system::show }
    "/console/settings/alarms" => { GET settings::limits::show, POST settings::limits::change }
    "/console/settings/emergency" => { GET settings::emergency::show, POST settings::emergency::change }
    "/console/settings/retention" => { GET settings::retention::show, POST settings::retention::change }
    "/console/settings/words" => { GET settings::words::show, POST settings::words::change }
    "/console/settings/costs" => { GET settings::costs::show, POST settings::costs::change }
    "/console/settings/sign-in" => { GET settings::sign_in::show, POST settings::sign_in::change }
    "/console/operators" => { GET operators::list, POST operators::invite::create }
    "/console/operators/new" => { GET operators::invite::show }
    // Words before ids.
    "/console/operators/requests/{request}" => { GET operators::requests::show }
    "/console/operators/requests/{request}/approve" => { POST operators::requests::approve }
    "/console/operators/requests/{request}/reject" => { POST operators::requests::reject }
    "/console/operators/requests/{request}/withdraw" => { POST operators::requests::withdraw }
    "/console/operators/requests/{request}/reason" => { POST operators::requests::explain }
    "/console/operators/{id}" => { GET operators::show }
    "/console/operators/{id}/grants" => { GET operators::rights::show, POST operators::rights::change }
    "/console/operators/{id}/enabled" => { POST operators::set_enabled }
    "/console/operators/{id}/link" => { POST operators::make_link }
    "/console/roles" => { GET roles::list, POST roles::edit::create }
    "/console/roles/new" => { GET roles::edit::show_new }
    "/console/roles/{role}" => { GET roles::show, POST roles::edit::update }
    "/console/roles/{role}/edit" => { GET roles::edit::show }
    "/console/roles/{role}/delete" => { POST roles::delete }
    "/console/emergency" => { GET emergency::home::live }
    "/console/emergency/drill" => { GET emergency::home::drill }
    "/console/emergency/exercise" => { GET emergency::home::exercise }
    "/console/emergency/press/{slug}" => { GET emergency::press::show_live, POST emergency::press::fire_live }
    "/console/emergency/drill/press/{slug}" => { GET emergency::press::show_drill, POST emergency::press::fire_drill }
    "/console/emergency/exercise/press/{slug}" => { GET emergency::press::show_exercise, POST emergency::press::fire_exercise }
    "/console/emergency/notice" => { GET emergency::notice::show_live, POST emergency::notice::write_live }
    "/console/emergency/drill/notice" => { GET emergency::notice::show_drill, POST emergency::notice::write_drill }
    "/console/emergency/scenarios" => { GET emergency::scenarios::show }
    "/console/emergency/scenarios/new" => { GET emergency::scenarios::edit::new, POST emergency::scenarios::edit::create }
    "/console/emergency/scenarios/{slug}" => { GET emergency::scenarios::show::show }
    "/console/emergency/scenarios/{slug}/edit" => { GET emergency::scenarios::edit::edit, POST emergency::scenarios::edit::save }
    "/console/emergency/scenarios/{slug}/approve" => { POST emergency::scenarios::decide::approve }
    "/console/emergency/scenarios/{slug}/return" => { POST emergency::scenarios::decide::give_back }
    "/console/emergency/scenarios/{slug}/withdraw" => { POST emergency::scenarios::decide::withdraw }
    "/console/emergency/scenarios/{slug}/retire" => { POST emergency::scenarios::decide::retire }
    "/console/emergency/broadcasts" => { GET emergency::list::show }
    "/console/emergency/broadcasts/{id}" => { GET emergency::broadcast::show }
    "/console/emergency/broadcasts/{id}/progress" => { GET emergency::broadcast::show_progress }
    "/console/emergency/broadcasts/{id}/approve" => { POST emergency::acts::approve }
    "/console/emergency/broadcasts/{id}/reject" => { POST emergency::acts::reject }
    "/console/emergency/broadcasts/{id}/return" => { POST emergency::acts::send_back }
    "/console/emergency/broadcasts/{id}/withdraw" => { POST emergency::acts::withdraw }
    "/console/emergency/broadcasts/{id}/submit" => { POST emergency::acts::submit }
    "/console/emergency/broadcasts/{id}/override" => { POST emergency::acts::go_alone }
    "/console/emergency/broadcasts/{id}/stop" => { POST emergency::acts::stop }
    "/console/emergency/broadcasts/{id}/correction" => { POST emergency::acts::correct }
    "/console/emergency/broadcasts/{id}/all-clear" => { POST emergency::acts::all_clear }
    "/console/emergency/broadcasts/{id}/review" => { POST emergency::acts::review }
    "/console/emergency/broadcasts/{id}/choices" => { GET emergency::changes::show_choices, POST emergency::changes::choose }
    "/console/emergency/broadcasts/{id}/words" => { GET emergency::changes::show_words, POST emergency::changes::reword }
    "/console/emergency/broadcasts/{id}/roll" => { GET emergency::roll::show }
    "/console/emergency/broadcasts/{id}/roll/board" => { GET emergency::roll::show_board }
    "/console/emergency/broadcasts/{id}/roll/mark" => { POST emergency::roll_acts::mark }
    "/console/emergency/broadcasts/{id}/roll/reveal" => { POST emergency::roll_acts::reveal }
    "/console/emergency/broadcasts/{id}/roll/export" => { POST emergency::roll_acts::export }
    "/console/emergency/broadcasts/{id}/report" => { GET emergency::report::show }
    "/console/emergency/broadcasts/{id}/report/learn" => { POST emergency::report::learn }
    "/console/emergency/broadcasts/{id}/report/export" => { POST emergency::report::export }
    "/console/emergency/broadcasts/{id}/update" => { GET emergency::changes::show_update, POST emergency::changes::update }
    "/console/emergency/buttons" => { GET emergency::buttons::list::show, POST emergency::buttons::form::create }
    "/console/emergency/buttons/new" => { GET emergency::buttons::form::show_new, POST emergency::buttons::form::look }
    "/console/emergency/buttons/{id}" => { GET emergency::buttons::one::show }
    "/console/emergency/buttons/{id}/edit" => { GET emergency::buttons::form::show_edit, POST emergency::buttons::form::update }
    "/console/emergency/buttons/{id}/arm" => { POST emergency::buttons::acts::ask }
    "/console/emergency/buttons/{id}/confirm" => { POST emergency::buttons::acts::confirm }
    "/console/emergency/buttons/{id}/withdraw" => { POST emergency::buttons::acts::withdraw }
    "/console/emergency/buttons/{id}/disarm" => { POST emergency::buttons::acts::disarm }
    "/console/emergency/buttons/{id}/test" => { POST emergency::buttons::acts::try_out }
    "/console/emergency/buttons/{id}/revoke" => { POST emergency::buttons::acts::revoke }
    "/console/emergency/buttons/{id}/key" => { POST emergency::buttons::acts::rotate_key }
    "/console/emergency/buttons/{id}/secret" => { POST emergency::buttons::acts::renew_secret }
    "/console/audit" => { GET audit::show }
    "/console/audit/check" => { POST audit::check }
    "/console/audit/export" => { POST audit::export }
    "/console/people" => { GET people_list::show, POST person_form::create }
    "/console/people/new" => { GET person_form::show_new }
    "/console/people/export" => { POST people_file::export }
    "/console/people/import" => { GET people_import::show, POST people_import::create }
    "/console/people/imports/{id}" => { GET people_import::show_one }
    "/console/people/imports/{id}/progress" => { GET people_import::show_progress }
    "/console/people/imports/{id}/sheet" => { POST people_import::choose_sheet }
    "/console/people/imports/{id}/columns" => { POST people_import::choose_columns }
    "/console/people/imports/{id}/mend" => { POST people_import::mend }
    "/console/people/imports/{id}/run" => { POST people_import::run }
    "/console/people/imports/{id}/discard" => { POST people_import::discard }
    "/console/people/imports/{id}/rejected" => { GET people_import::rejected }
    "/console/people/posters/{account}" => { GET posters::show }
    "/console/people/{id}" => { GET person::show, POST person_form::update }
    "/console/people/{id}/edit" => { GET person_form::show_edit }
    "/console/people/{id}/reveal" => { POST person::reveal }
    "/console/people/{id}/active" => { POST person_acts::set_active }
    "/console/people/{id}/wechat" => { GET person_scan::show, POST person_scan::make }
    "/console/people/{id}/preferences" => { POST person_acts::change_preferences }
    "/console/people/{id}/erase" => { GET person_acts::show_erase, POST person_acts::erase }
    "/console/suppression" => { GET suppression_pages::list, POST suppression_pages::add }
    "/console/suppression/new" => { GET suppression_pages::show_new }
    "/console/suppression/many" => { GET suppression_many::show, POST suppression_many::add }
    "/console/suppression/many/file" => { POST suppression_many::add_file }
    "/console/suppression/remove" => { POST suppression_many::remove }
    "/console/suppression/export" => { POST suppression_many::export }
    "/console/suppression/{id}" => { GET suppression_pages::show }
    "/console/suppression/{id}/reveal" => { POST suppression_pages::reveal }
    "/console/suppression/{id}/remove" => { POST suppression_pages::remove }
    "/console/groups" => { GET group_pages::list, POST group_pages::create }
    "/console/groups/new" => { GET group_pages::show_new }
    "/console/groups/filter" => { POST group_pages::filter }
    "/console/groups/preview" => { POST group_pages::preview }
    "/console/groups/{id}" => { GET group_pages::show, POST group_pages::update }
    "/console/groups/{id}/edit" => { GET group_pages::show_edit }
    "/console/groups/{id}/count" => { GET group_pages::count }
    "/console/groups/{id}/members" => { POST group_pages::change_members }
    "/console/groups/{id}/delete" => { POST group_pages::delete }
}
