//! Operators' roles and what each may do in the console.

use super::message::coded;
use serde::{Deserialize, Serialize};
use std::fmt;

coded! {
    /// The built-in roles.
    Role {
        Owner = 1 "owner",
        MessageManager = 2 "message_manager",
        Sender = 3 "sender",
        Reviewer = 4 "reviewer",
        DutyOfficer = 5 "duty_officer",
        Auditor = 6 "auditor",
    }
}

coded! {
    /// One act or view that a role may include.
    Permission {
        MessagesView = 1 "messages.view",
        MessagesSend = 2 "messages.send",
        SourcesView = 3 "sources.view",
        SourcesEdit = 4 "sources.edit",
        DirectoryView = 5 "directory.view",
        DirectoryEdit = 6 "directory.edit",
        DirectoryReveal = 7 "directory.reveal",
        ProvidersView = 8 "providers.view",
        ProvidersEdit = 9 "providers.edit",
        OperatorsEdit = 10 "operators.edit",
        AuditView = 11 "audit.view",
        TemplatesEdit = 12 "templates.edit",
        MessagesReview = 13 "messages.review",
        RoutingView = 14 "routing.view",
        RoutingEdit = 15 "routing.edit",
        SettingsView = 16 "settings.view",
        SettingsEdit = 17 "settings.edit",
        MessagesCompose = 18 "messages.compose",
        TemplatesView = 19 "templates.view",
        OperatorsView = 20 "operators.view",
        EmergencyView = 21 "emergency.view",
        EmergencyPrepare = 22 "emergency.prepare",
        EmergencyFire = 23 "emergency.fire",
        EmergencyApprove = 24 "emergency.approve",
        EmergencyStop = 25 "emergency.stop",
        EmergencyExercise = 26 "emergency.exercise",
        EmergencyDrill = 27 "emergency.drill",
    }
}

impl Permission {
    /// What comes with it, though a role need not name it: whoever may send broadcasts may practise it.
    pub const fn includes(self) -> Option<Self> {
        match self {
            Self::EmergencyFire => Some(Self::EmergencyDrill),
            _ => None,
        }
    }
}

impl Role {
    /// What the role may do, in the order of [`Permission::ALL`].
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.may(*permission))
    }

    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Owner => true,
            Self::MessageManager => matches!(
                permission,
                P::MessagesView
                    | P::MessagesCompose
                    | P::MessagesSend
                    | P::SourcesView
                    | P::DirectoryView
                    | P::DirectoryEdit
                    | P::TemplatesView
                    | P::TemplatesEdit
                    | P::MessagesReview
                    | P::RoutingView
                    | P::RoutingEdit
                    | P::SettingsView
                    | P::EmergencyView
            ),
            Self::Sender => matches!(
                permission,
                P::MessagesView | P::MessagesCompose | P::MessagesSend | P::DirectoryView | P::TemplatesView
            ),
            Self::Reviewer => matches!(
                permission,
                P::MessagesView
                    | P::MessagesReview
                    | P::DirectoryView
                    | P::RoutingView
                    | P::TemplatesView
                    | P::EmergencyView
                    | P::EmergencyApprove
            ),
            Self::DutyOfficer => matches!(
                permission,
                P::MessagesView
                    | P::DirectoryView
                    | P::EmergencyView
                    | P::EmergencyPrepare
                    | P::EmergencyFire
                    | P::EmergencyApprove
                    | P::EmergencyStop
                    | P::EmergencyDrill
            ),
            Self::Auditor => matches!(
                permission,
                P::MessagesView
                    | P::SourcesView
                    | P::ProvidersView
                    | P::TemplatesView
                    | P::OperatorsView
                    | P::AuditView
                    | P::RoutingView
                    | P::SettingsView
                    | P::EmergencyView
            ),
        }
    }
}
