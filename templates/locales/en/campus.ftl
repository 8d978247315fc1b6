### How the campus is called and shown.

settings-campus = Campus
campus-lead = The campus's names, logo and contact line, as the console, the sign-in page, recipients' pages and mails show them.
campus-name_zh = Name in Chinese
campus-name_zh-hint = Left empty, it is the name in the configuration.
campus-name_en = Name in English
campus-name_en-hint = For whoever reads English. Left empty, it is the Chinese name.
campus-short_name = Short name
campus-short_name-hint = In the console's corner and on browser tabs, at most 12 characters. Left empty, it is “Belltower”.
campus-contact = Contact line for recipients
campus-contact-hint = One line, such as “Questions? Information Centre, 027-8728 0000”. It ends every mail and every page that recipients open.
campus-logo = Logo
campus-logo-now = The logo as it is now
campus-logo-none = No logo has been uploaded; the built-in drawing is shown.
campus-logo-remove = Remove the logo
campus-logo-hint = PNG or SVG, at most 100 KB; a PNG's sides at most 2048 pixels. An SVG must hold no scripts, links, animations or outside files: export it as “plain SVG”.
campus-fixed = Set by the configuration
campus-fixed-note = Daily quotas, schedules and figures are reckoned by these. They change in the configuration only, with a restart.
campus-zone = Time zone
campus-language = Usual language
campus-name = Name in the configuration
campus-url = Public address
fault-logo_too_large = The file is larger than 100 KB.
fault-logo_no_picture = This is not a whole PNG or SVG picture.
fault-logo_too_many_points = The picture is too large: sides must be 1 to 2048 pixels.
fault-logo_more_than_drawing = This SVG holds more than a drawing (scripts, links, animations, style references or outside files). Export it as “plain SVG”, or use a PNG.
