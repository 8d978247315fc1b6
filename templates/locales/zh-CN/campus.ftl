### How the campus is called and shown.

settings-campus = 学校信息
campus-lead = 学校的名称、标志和联系方式：显示在后台、登录页、收件人打开的页面和邮件里。
campus-name_zh = 中文名称
campus-name_zh-hint = 留空时用配置文件里的名称。
campus-name_en = 英文名称
campus-name_en-hint = 给使用英文的人看；留空时用中文名称。
campus-short_name = 简称
campus-short_name-hint = 显示在后台左上角和浏览器标签上，最多 12 个字；留空时显示“钟楼”。
campus-contact = 收件人的咨询方式
campus-contact-hint = 一行字，例如“有疑问请联系信息中心：027-8728 0000”。显示在邮件末尾和收件人打开的页面底部。
campus-logo = 标志
campus-logo-now = 现在的标志
campus-logo-none = 还没有上传标志，显示系统自带的图案。
campus-logo-remove = 删除标志
campus-logo-hint = PNG 或 SVG，不超过 100 KB；PNG 边长不超过 2048 像素。SVG 里不能有脚本、链接、动画或外部文件，请导出为“纯 SVG”。
campus-fixed = 由配置决定
campus-fixed-note = 每日限额、定时和统计都按这些计算，只能在配置里改，重启后生效。
campus-zone = 时区
campus-language = 默认语言
campus-name = 配置里的名称
campus-url = 对外网址
fault-logo_too_large = 文件超过 100 KB。
fault-logo_no_picture = 这不是完整的 PNG 或 SVG 图片。
fault-logo_too_many_points = 图片太大，边长请在 1 到 2048 像素之间。
fault-logo_more_than_drawing = 这个 SVG 里有图形以外的内容（脚本、链接、动画、样式引用或外部文件）。请导出为“纯 SVG”，或改用 PNG。
