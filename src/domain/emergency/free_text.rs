//! Words that nobody prepared, in the form of a scenario: what they need so that they can be corrected and called off as
//! any other.

use jiff::civil::Date;

use super::cap_facts::{CapFacts, Category, Certainty, ResponseType, Urgency};
use super::scenario::{Level, Said, Scenario, Spoken, Texts};
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::content::as_markdown;

/// What is typed for them where a scenario's code is asked for.
pub const CODE: &str = "00";

/// Words of one's own, and whom they concern.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeText {
    pub alert: Texts,
    pub level: Level,
    pub audience: Audience,
    pub channels: Vec<ChannelKind>,
    pub expires_in_minutes: u32,
}

impl FreeText {
    /// As a scenario. That they were false, and that it is over, is said in words of ours about their title.
    pub fn scenario(self) -> Scenario {
        let name = Spoken::new(self.alert.zh.title.clone(), self.alert.en.title.clone());
        Scenario {
            cap: CapFacts {
                category: Category::Safety,
                urgency: Urgency::Expected,
                certainty: Certainty::Likely,
                response_type: ResponseType::Monitor,
                event: name.clone(),
            },
            code: CODE.to_owned(),
            level: self.level,
            life_threatening: false,
            audience: self.audience,
            channels: self.channels,
            placeholders: Vec::new(),
            correction: correction(&name),
            all_clear: all_clear(&name),
            alert: self.alert,
            expires_in_minutes: self.expires_in_minutes,
            roll_call: false,
            escalation: None,
            owner: "–".to_owned(),
            // Written now, and never looked through again.
            review_on: Date::MAX,
            tile: None,
            name,
        }
    }
}

/// The same words in another wording.
#[must_use]
pub fn reworded(scenario: &Scenario, alert: Texts) -> Scenario {
    let name = Spoken::new(alert.zh.title.clone(), alert.en.title.clone());
    Scenario {
        correction: correction(&name),
        all_clear: all_clear(&name),
        cap: CapFacts { event: name.clone(), ..scenario.cap.clone() },
        alert,
        name,
        ..scenario.clone()
    }
}

fn correction(name: &Spoken) -> Texts {
    let (zh, en) = (&name.zh, &name.en);
    Texts {
        zh: said(
            format!("更正：{zh}"),
            format!("更正：此前的通知“{zh}”不实，无需采取行动，请照常活动，不再转发。"),
        ),
        en: said(
            format!("Correction: {en}"),
            format!(
                "Correction: the earlier notice “{en}” was wrong. You need do nothing. Please do not forward it."
            ),
        ),
    }
}

fn all_clear(name: &Spoken) -> Texts {
    let (zh, en) = (&name.zh, &name.en);
    Texts {
        zh: said(format!("解除：{zh}"), format!("解除：“{zh}”所说的情况已经结束，请恢复正常活动。")),
        en: said(
            format!("All clear: {en}"),
            format!("All clear: what the notice “{en}” told of is over. Please carry on as usual."),
        ),
    }
}

/// One sentence by every channel.
fn said(title: String, sentence: String) -> Said {
    Said { title, body: as_markdown(&sentence), sms: sentence.clone(), wechat: sentence }
}

#[cfg(test)]
mod tests {
    use super::super::{lint, reading};
    use super::*;

    fn water() -> FreeText {
        let said = |title: &str, text: &str| Said {
            title: title.to_owned(),
            body: text.to_owned(),
            sms: text.to_owned(),
            wechat: text.to_owned(),
        };
        FreeText {
            alert: Texts {
                zh: said("自来水*暂停*饮用", "请勿饮用自来水。"),
                en: said("Do not drink *tap* water", "Do not drink tap water."),
            },
            level: Level::Orange,
            audience: Audience { everyone: true, ..Audience::default() },
            channels: ChannelKind::ALL.to_vec(),
            expires_in_minutes: 120,
        }
    }

    #[test]
    fn what_nobody_prepared_has_a_correction_and_an_all_clear() {
        let scenario = water().scenario();
        let today = Date::constant(2026, 9, 21);
        let refused: Vec<_> = lint(&scenario, Some("钟楼大学"), today)
            .into_iter()
            .filter(super::super::Remark::is_refusal)
            .collect();
        assert_eq!(refused, []);
        assert_eq!(reading::read(&serde_json::to_value(&scenario).unwrap()).unwrap(), scenario);
        assert!(scenario.correction.zh.body.contains("自来水\\*暂停\\*饮用"), "{:?}", scenario.correction.zh);
    }

    #[test]
    fn other_words_are_taken_back_as_they_are() {
        let mut alert = water().alert;
        alert.en.title = "Boil tap water".to_owned();
        let scenario = reworded(&water().scenario(), alert.clone());
        assert_eq!((&scenario.alert, scenario.name.en.as_str()), (&alert, "Boil tap water"));
        assert!(scenario.correction.en.sms.contains("Boil tap water"));
        assert_eq!(scenario.level, Level::Orange);
    }
}
