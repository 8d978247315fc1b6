//! What is kept of notices like those of a campus.

use proptest::prelude::*;

use super::*;
use crate::domain::sms_text::{Placement, measure, signed};

fn one(text: &str) -> bool {
    measure(&signed(text, "钟楼大学", Placement::Prefix, true), true).segments <= 1
}

fn one_abroad(text: &str) -> bool {
    measure(&signed(text, "Belltower", Placement::Prefix, false), false).segments <= 1
}

fn short(title: &str, text: &str) -> String {
    shorten(title, text, one).unwrap().text
}

/// Title, text, and what is made of them; empty where nothing is.
type Notice = (&'static str, &'static str, &'static str);

fn check(notices: &[Notice], fits: fn(&str) -> bool) {
    for (title, text, expected) in notices {
        let short = shorten(title, text, fits);
        assert_eq!(short.as_ref().map_or("", |short| &short.text), *expected, "of {title}: {text}");
        assert!(short.is_none_or(|short| fits(&short.text) && !short.left_out.is_empty()));
    }
}

#[test]
fn what_fits_stays_as_it_is() {
    assert_eq!(
        short("停水通知", "周日8:00至17:00西区停水，请储水。"),
        "停水通知：周日8:00至17:00西区停水，请储水。"
    );
    assert_eq!(
        short("Closed", "The desk is shut.\nCome on Monday."),
        "Closed: The desk is shut. Come on Monday."
    );
}

#[test]
fn of_a_long_one_it_is_kept_when_and_where() {
    let text = "各位同学：\n为保障期末考试顺利进行，进一步严肃考风考纪，现将有关事项说明如下。\
        期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。\
        考试期间学校将组织巡考，对违反考场纪律的行为按照有关规定严肃处理，绝不姑息。\n感谢大家的配合！";
    let short = short("期末考试安排", text);
    assert_eq!(short, "期末考试安排：期末考试定于1月12日9:00在教三204举行，请携带学生证和身份证。");
}

#[test]
fn a_deadline_is_worth_more_than_a_place() {
    let text = "我校2026年国家奖学金评审工作已经启动，本次评审覆盖全体本科生和研究生，名额按照各学院人数比例分配下达。\
        申请材料请于10月15日17:00前交到学工办，逾期不予受理。\
        评审结果将在行政楼一楼公告栏以及学校资助中心网站同步公示，接受全校师生监督。";
    let short = short("国家奖学金申请", text);
    assert!(
        short.starts_with("国家奖学金申请：") && short.contains("10月15日17:00前交到学工办，逾期不予受理"),
        "{short}"
    );
    assert!(one(&short));
}

#[test]
fn of_a_sentence_that_is_too_long_clauses_are_kept() {
    let text = "根据学校后勤管理处年度供水管网改造工程的统一部署和施工单位提交的施工组织方案，\
        经研究决定对西区宿舍地下主供水管道实施更换，施工期间自11月20日8:00起至17:00停水，\
        请住在西区一号楼至六号楼的各位同学提前做好储水准备，由此给大家的学习和生活造成的影响我们深表歉意";
    let short = short("停水通知", text);
    assert!(
        short.starts_with("停水通知：") && short.contains("施工期间自11月20日8:00起至17:00停水"),
        "{short}"
    );
    assert!(one(&short) && !short.ends_with('，'), "{short}");
}

#[test]
fn courtesies_are_not_kept() {
    let text = "尊敬的老师：\n您好！今年的体检将分批进行，凡是在职教职工均可参加，家属自费。体检时间为5月6日至10日上午，\
        地点在校医院二楼，请空腹。给您带来不便，敬请谅解。祝您工作顺利，阖家幸福！";
    let short = short("教职工体检", text);
    assert_eq!(short, "教职工体检：体检时间为5月6日至10日上午，地点在校医院二楼，请空腹。");
}

#[test]
fn english_is_shortened_by_its_own_alphabet() {
    let text = "Dear students,\nthe library has been a quiet place to study for more than a hundred years and we \
        are proud of it. The east branch is closed from Monday until Friday for repairs. Books can be returned \
        at the main desk. We apologise for any trouble this may cause you, and hope for your understanding.";
    let short = shorten("East branch closed", text, one_abroad).unwrap().text;
    assert!(short.contains("closed from Monday until Friday") && one_abroad(&short), "{short}");
    assert!(!short.contains("apologise") && !short.contains("hundred"), "{short}");
    let mainland = shorten("Library", text, one).unwrap().text;
    assert!(one(&mainland), "{mainland}");
}

#[test]
fn a_text_without_dates_is_its_title() {
    let text = "本学期以来，学校高度重视校园文化建设，积极营造健康向上的氛围，涌现出一批优秀集体和先进个人，充分展现了当代大学生的精神风貌，得到社会各界好评。";
    assert_eq!(short("文化建设简报", text), "文化建设简报");
}

#[test]
fn a_title_that_takes_all_the_room_gives_way() {
    let title = "关于进一步做好二〇二六届全日制普通本科毕业生离校手续办理工作以及相关后续事项安排的补充说明和提醒通知";
    let text = "根据上级要求，结合我校实际，现将毕业生离校手续的办理流程予以明确，望各学院遵照执行并做好组织工作。请于6月20日17:00前到行政楼还清欠费。";
    assert_eq!(short(title, text), "请于6月20日17:00前到行政楼还清欠费。");
}

#[test]
fn where_nothing_fits_there_is_none() {
    assert_eq!(shorten("停水", "周日停水。", |_| false), None);
    assert_eq!(shorten("", "", one), None);
}

/// Of each what happens, when and where, or nothing at all.
#[test]
fn the_news_is_kept_or_nothing_is() {
    let notices = [
        (
            "停课通知",
            "各位同学：\n原定12月3日（周三）上午10:00在教二楼201上课的《高等数学A》停课一次。补课时间为12月\
             6日（周六）上午8:00，地点教三楼305。请相互转告。\n教务处",
            "停课通知：原定12月3日（周三）上午10:00在教二楼201上课的《高等数学A》停课一次。",
        ),
        (
            "高等数学A停课通知",
            "因任课教师参加学术会议，原定于12月3日（周三）上午10:00在教二楼201上课的《高等数学A》停课一次。\
             补课时间为12月6日（周六）上午8:00，地点教三楼305。请各位同学相互转告。如有疑问，请联系教务处。",
            "高等数学A停课通知：因任课教师参加学术会议，原定于12月3日（周三）上午10:00在教二楼201上课的《高\
             等数学A》停课一次。",
        ),
        (
            "图书馆闭馆通知",
            "各位读者：\n因消防设施年度检修，主馆将于12月5日8:00至18:00闭馆。闭馆期间还书箱照常使用，到期图\
             书自动顺延一天。分馆开放时间不变，欢迎前往。如有疑问，请致电服务台87654321。由此带来的不便，敬\
             请谅解。",
            "图书馆闭馆通知：因消防设施年度检修，主馆将于12月5日8:00至18:00闭馆。闭馆期间还书箱照常使用，到\
             期图书自动顺延一天。",
        ),
        (
            "校园网升级通知",
            "为提升校园网服务质量，信息中心将于12月7日（周日）0:00至6:00对核心交换机进行升级，届时网络将中\
             断约两小时。请提前保存好正在编辑的文档，避免数据丢失。升级期间如遇问题，请致电62781234。感谢您\
             的理解与支持！",
            "校园网升级通知：信息中心将于12月7日（周日）0:00至6:00对核心交换机进行升级，届时网络将中断约两\
             小时。",
        ),
        (
            "校园网升级通知",
            "12月7日（周日）凌晨，信息中心将对核心交换机进行升级。网络将中断约两小时。请提前保存好正在编辑\
             的文档，并在当天上午重新连接校园网。升级期间如遇问题，请致电62781234。感谢您的理解与支持！",
            "校园网升级通知：12月7日（周日）凌晨，信息中心将对核心交换机进行升级。网络将中断约两小时。",
        ),
        (
            "学术讲座",
            "应计算机学院邀请，清华大学李明教授将来我校作学术报告，欢迎广大师生参加。\n主题：大模型与校园服\
             务\n时间：12月10日（周四）14:00\n地点：图书馆一楼报告厅\n主讲人：李明，清华大学计算机系教授，\
             博士生导师，长期从事自然语言处理研究\n联系人：王老师 87651234",
            "学术讲座：主题：大模型与校园服务；时间：12月10日（周四）14:00；地点：图书馆一楼报告厅",
        ),
        (
            "期末考试安排",
            "各位同学：\n2026年秋季学期《大学英语》期末考试定于1月12日9:00举行。考试地点在教三楼204。考生须\
             于8:40前入场，迟到15分钟以上者不得入场。请携带学生证和身份证。考试期间严禁使用手机等电子设备，\
             违者按作弊处理。",
            "期末考试安排：2026年秋季学期《大学英语》期末考试定于1月12日9:00举行。考试地点在教三楼204。考生\
             须于8:40前入场",
        ),
        (
            "2026-2027学年第一学期期末考试安排",
            "各位同学：\n本学期期末考试定于12月28日至2027年1月8日进行，考场安排已在教务系统公布。请携带学生证和身份证。\
             申请缓考的同学请于12月18日17:00前向学院提交材料，逾期不予受理。如有疑问，请联系教务处考务科。",
            "2026-2027学年第一学期期末考试安排：本学期期末考试定于12月28日至2027年1月8日进行，考场安排已在教务系统\
             公布。",
        ),
        (
            "读书节",
            "11月20日，学校召开了第十届读书节筹备会议，各学院负责人和学生代表参加，并通过了活动方案。\
             读书节开幕式将于12月4日15:00在图书馆报告厅举行，请各学院组织学生参加。",
            "读书节开幕式将于12月4日15:00在图书馆报告厅举行，请各学院组织学生参加。",
        ),
        (
            "停电通知",
            "因东区配电室设备检修，12月8日（周二）8:00至12:00东区1至6号宿舍楼停电，请提前为手机充电，由此带\
             来的不便敬请谅解。其余宿舍楼供电不受影响。电梯同时停运，请走楼梯。咨询电话：62345678",
            "因东区配电室设备检修，12月8日（周二）8:00至12:00东区1至6号宿舍楼停电，请提前为手机充电。电梯同\
             时停运，请走楼梯。",
        ),
        (
            "停水通知",
            "根据学校后勤管理处年度供水管网改造工程的统一部署，12月9日（周三）全校停水一天，但东区食堂、校\
             医院和1号宿舍楼除外，请各位同学提前储水。停水期间开水房不供应开水。敬请谅解。",
            "停水通知：12月9日（周三）全校停水一天，但东区食堂、校医院和1号宿舍楼除外，请各位同学提前储水。\
             停水期间开水房不供应开水。",
        ),
        (
            "停水通知",
            "12月9日（周三）全校停水一天，停水时间为8:00至17:00，请各位同学提前储水并关好水龙头，以免来水后\
             造成浪费。但东区食堂不受影响。停水期间开水房不供应开水。敬请谅解，谢谢大家的理解与支持。",
            "",
        ),
        (
            "校园卡补办",
            "因病缺席新生采集的同学，请于12月11日17:00前到行政楼103补拍照片，补拍时须携带身份证和录取通知书\
             原件，由辅导员统一登记。逾期未补拍的，校园卡将无法启用，图书馆和食堂不能使用。",
            "校园卡补办：因病缺席新生采集的同学，请于12月11日17:00前到行政楼103补拍照片，补拍时须携带身份证\
             和录取通知书原件",
        ),
        (
            "运动会改期",
            "原定12月4日在东操场举行的冬季运动会因天气原因推迟，改为12月11日8:00在东操场举行，各学院参赛名\
             单不变，请各位领队提前到场。开幕式节目单另行通知。如仍有降雪，将改在体育馆进行。",
            "运动会改期：原定12月4日在东操场举行的冬季运动会因天气原因推迟，改为12月11日8:00在东操场举行",
        ),
        (
            "宿舍安全检查",
            "学校将于12月14日至18日对全校学生宿舍开展安全检查，重点检查违规电器。请各位同学自查自纠，并于12\
             月13日前将违规电器带离宿舍。检查中发现的违规电器一律暂存，学期末返还。祝大家学习进步！",
            "宿舍安全检查：学校将于12月14日至18日对全校学生宿舍开展安全检查，重点检查违规电器。",
        ),
        (
            "寒假放假安排",
            "现将2026年寒假放假安排通知如下：\n一、放假时间：1月17日至2月28日，3月1日正式上课。\n二、留校学\
             生须在1月10日前登录学工系统登记，未登记的不安排住宿。\n三、离校前请关好门窗水电，贵重物品随身\
             携带。",
            "寒假放假安排：放假时间：1月17日至2月28日，3月1日正式上课。留校学生须在1月10日前登录学工系统登\
             记，未登记的不安排住宿。",
        ),
        (
            "缴费提醒",
            "2026级新生住宿费缴纳工作即将结束，请未缴费的同学于9月20日24:00前登录财务平台完成缴费。逾期系统\
             将关闭，影响注册。缴费可使用微信、支付宝或银行卡，不收取手续费。财务处咨询电话010-62781234。",
            "2026级新生住宿费缴纳工作即将结束，请未缴费的同学于9月20日24:00前登录财务平台完成缴费。逾期系统\
             将关闭，影响注册。",
        ),
        (
            "招聘会",
            "12月12日（周六）9:00至16:00，冬季校园招聘会将在体育馆举行，届时将有来自全国各地的一百二十家单\
             位提供三千多个岗位，涵盖信息技术、金融、教育等行业。请携带简历和学生证入场。",
            "招聘会：12月12日（周六）9:00至16:00，冬季校园招聘会将在体育馆举行。请携带简历和学生证入场。",
        ),
        (
            "食堂停业",
            "第二食堂自12月1日起停止营业，恢复时间另行通知。期间请到第一、第三食堂就餐，第三食堂延长开放至2\
             1:00。清真窗口迁至第一食堂二楼。带来不便，敬请谅解。祝大家用餐愉快，身体健康，学业有成！",
            "食堂停业：第二食堂自12月1日起停止营业，恢复时间另行通知。期间请到第一、第三食堂就餐，第三食堂\
             延长开放至21:00。",
        ),
    ];
    check(&notices, one);
}

#[test]
fn the_news_is_kept_or_nothing_is_in_english() {
    let notices = [
        (
            "Library closed Saturday",
            "Dear readers,\nThe main library will be closed on Saturday 5 December from 8:00 to 18:00 for a \
             test of the fire alarms. The branch libraries are open as usual. Books that are due on that \
             day may be returned on Monday. Have a nice weekend!",
            "The main library will be closed on Saturday 5 December from 8:00 to 18:00 for a test of the \
             fire alarms. The branch libraries are open as usual.",
        ),
        (
            "Network maintenance",
            "The campus network will be down on Sunday from 0:00 to about 2:00 while we replace the core \
             switches. Wireless access in the dormitories is affected too. Please save your work before \
             midnight. Thank you for your patience!",
            "Network maintenance: The campus network will be down on Sunday from 0:00 to about 2:00 while \
             we replace the core switches.",
        ),
        (
            "Exam moved",
            "Dear students,\nThe final exam in Linear Algebra (MATH 201) on 14 January moves from Room 305 \
             to Room 118, Teaching Building 3. It starts at 9 a.m. as planned. Please bring your student \
             card and arrive by 8:45. If you have questions, call 8765-4321.",
            "The final exam in Linear Algebra (MATH 201) on 14 January moves from Room 305 to Room 118, \
             Teaching Building 3. It starts at 9 a.m. as planned.",
        ),
        (
            "Scholarship applications",
            "The National Scholarship is awarded each year to students of outstanding merit, and our school \
             is proud of its many winners. Applications are due by 5 p.m. Friday 16 October at the student \
             office. Please submit two copies of the form. The committee meets in November and the result \
             is published on the school's website. Best wishes!",
            "Scholarship applications: Applications are due by 5 p.m. Friday 16 October at the student \
             office. Please submit two copies of the form.",
        ),
        (
            "Water outage",
            "Due to repairs of a burst main, there will be no water in dormitories 4 to 9 on Tuesday 8 \
             December from 8 a.m. to 5 p.m., and the canteen serves cold meals only. Please store water the \
             evening before. We apologise for the inconvenience. Questions: call 6234 5678.",
            "Water outage: there will be no water in dormitories 4 to 9 on Tuesday 8 December from 8 a.m. \
             to 5 p.m., and the canteen serves cold meals only.",
        ),
    ];
    check(&notices, one_abroad);
}

/// As many characters as Chinese has are few for English: a title and a farewell are no news.
#[test]
fn where_the_news_does_not_fit_nothing_takes_its_place() {
    let notices = [
        (
            "Library closed Saturday",
            "Dear readers,\nThe main library will be closed on Saturday 5 December from 8:00 to 18:00 for a \
             test of the fire alarms. The branch libraries are open as usual. Books that are due on that \
             day may be returned on Monday. Have a nice weekend!",
            "",
        ),
        (
            "Network maintenance",
            "The campus network will be down on Sunday from 0:00 to about 2:00 while we replace the core \
             switches. Wireless access in the dormitories is affected too. Please save your work before \
             midnight. Thank you for your patience!",
            "",
        ),
    ];
    check(&notices, one);
}

/// A day in a farewell is no news, and a headline without a verb is some.
#[test]
fn days_are_weighed_by_what_they_are_of() {
    let notices = [
        (
            "通知",
            "第二食堂一楼12月6日（周日）全天停业消杀。二楼照常营业。一楼的早餐窗口移至第三食堂。请提前安排好用餐。\
             祝大家周末愉快。学校后勤集团感谢各位师生一直以来对我们工作的理解、支持和配合，我们会继续努力。",
            "通知：第二食堂一楼12月6日（周日）全天停业消杀。二楼照常营业。一楼的早餐窗口移至第三食堂。请提前安排好用餐。",
        ),
        (
            "Power cut",
            "Power off in Teaching Building 2 Sunday 8:00-12:00. Labs must shut down servers before Saturday 18:00. \
             Have a nice weekend!",
            "Power cut: Power off in Teaching Building 2 Sunday 8:00-12:00.",
        ),
    ];
    check(&notices, one);
}

#[test]
fn it_is_told_what_was_left_out() {
    let text = "各位同学：\n原定12月3日（周三）上午10:00在教二楼201上课的《高等数学A》停课一次。\
        补课时间为12月6日（周六）上午8:00，地点教三楼305。";
    let of = |title| shorten(title, text, one).unwrap().left_out;
    let make_up = "补课时间为12月6日（周六）上午8:00，地点教三楼305。";
    assert_eq!(of("停课通知"), ["各位同学：", make_up]);
    let title = "关于本学期第十四周部分本科生课程停课以及补课安排的通知";
    assert_eq!(of(title), [title, "各位同学：", make_up], "it leaves no room");
}

/// What a sentence is about is not kept without it, and what takes it back is not left out.
#[test]
fn no_sentence_is_torn_from_what_it_is_about() {
    let long = "，具体安排以教务处网站上公布的为准并以学院的通知为补充，解释权归教务处所有并由各学院负责落实到每一位同学和任课教师";
    let torn = format!("12月9日的《高等数学A》停课一次{long}。补课时间为12月12日8:00，地点教三楼305。");
    assert_eq!(shorten("停课", &torn, one), None);
    let taken_back = format!("12月9日全校停课一天。但实验课除外{long}。");
    assert_eq!(shorten("停课", &taken_back, one), None);
    let asked = format!("因病缺考的同学，请于12月9日17:00前到行政楼103登记{long}。");
    assert_eq!(shorten("登记", &asked, one), None, "only these are asked");
}

#[test]
fn a_dot_does_not_always_end_a_sentence() {
    let text = "The lecture by Prof. Li is moved from 9 a.m. Friday to 2 p.m. Monday in Room No. 12, Bldg. C. \
        Please tell those who have registered, and bring the handout that was given out last week.";
    let short = shorten("Lecture", text, one_abroad).unwrap().text;
    assert_eq!(
        short,
        "Lecture: The lecture by Prof. Li is moved from 9 a.m. Friday to 2 p.m. Monday in Room No. 12, Bldg. C. \
            Please tell those who have registered"
    );
}

proptest! {
    #[test]
    fn what_comes_out_fits_and_was_written(title in "[考试停水a-z ]{0,30}", text in "[今天周三教室，。；,. 0-9:a-z\n]{0,300}") {
        if let Some(Short { text: short, .. }) = shorten(&title, &text, one) {
            prop_assert!(one(&short), "{}", short);
            let said = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let all = said(&title) + &said(&text);
            // Every letter of it, in this order.
            let mut rest = all.chars();
            for c in said(&short).chars() {
                prop_assert!(rest.any(|other| other == c), "{} is not of {}", short, all);
            }
        }
    }
}
