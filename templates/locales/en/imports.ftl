### Importing people, step by step.

import-file-hint = Excel (.xlsx), CSV (.csv, .tsv, .txt) or NDJSON (.ndjson, .jsonl), at most 64 MiB.
import-nothing-yet = It is tried first, and what is wrong is listed; nothing is kept before you say so.
import-latest = Latest imports
import-stage-sheet = Choose a sheet
import-stage-columns = Confirm the columns
import-stage-trying = Being tried
import-stage-tried = Waits for your word
import-stage-running = Being imported
import-stage-done = Imported
import-stage-failed = Not imported
import-stage-broken-off = Broken off
import-sheet = Choose a sheet
import-sheet-lead = Which sheet has the people?
import-sheet-act = Read this sheet
import-sheet-is = Sheet: { $name }
import-columns = What the columns are
import-columns-lead = Guessed from their headers. What you choose is remembered for the next file with the same headers.
import-sample = First rows
import-nameless = Column { $n } (without a header)
import-pass-over = Leave out
import-field-campus_id = Campus id
import-field-name = Name
import-field-email = E-mail
import-field-mobile = Mobile
import-field-department = Department
import-field-wecom_userid = WeCom account
import-field-wechat_openid = WeChat openid
import-field-language = Language
import-field-attribute = Attribute: { $name }
import-json = Each line is a JSON object whose fields name themselves: there are no columns to choose.
import-try-act = Try it
import-trying = Being tried; nothing is kept.
import-running = Being imported.
import-leave = You may leave this page, and it goes on.
import-look-again = See how far it is
import-tried = Trial
import-nothing-kept = Nothing is kept yet. Mend what is listed below, or import the rows without a fault.
import-mended = { $n ->
    [one] { $count } cell mended here
   *[other] { $count } cells mended here
}
import-run-act = { $n ->
    [one] Import, for { $count } person
   *[other] Import, for { $count } people
}
import-again = Begin again
import-reconsider = Choose the columns again
import-other = Another file
import-discard = Give this import up
import-was-discarded = Given up; the file is removed.
import-broken-try = The trial was not finished: the process ended. Nothing was kept.
import-broken-run = The import was not finished: the process ended. What was kept is kept; importing once more adds the rest and repeats nothing.
import-broken-at = It stopped at about { $share }.
import-refused = This file cannot be imported so.
import-todo = { $column }: mend { $cells }
import-todo-rows = { $n ->
    [one] { $count } row to look at
   *[other] { $count } rows to look at
}
import-cell = { $column }, line { $line }
import-mend-act = Keep the changes and try again
import-download = Download these rows (with reasons)
import-reason-at = { $column }: { $reason }
import-erased = { $n ->
    [one] { $count } row is passed over: whoever it is about was erased after the upload began.
   *[other] { $count } rows are passed over: whoever they are about was erased after the upload began.
}
import-doubt-zeros_lost = In { $column }, { $cells } ids are kept as numbers and are shorter than the others: zeros at their front may be lost. Compare them.
import-doubt-digits_lost = In { $column }, { $cells } ids are kept as numbers and end in many zeros: their last digits may be lost. Compare them.
fault-workbook = This is an Excel workbook, but its name does not end in .xlsx. Save it as .xlsx or as “CSV UTF-8” and upload that.
fault-broken_workbook = The workbook is damaged or has a password. Open it and save it as .xlsx again, or as “CSV UTF-8”.
fault-workbook_too_large = The workbook unpacks to too much. Save the sheet with the people as “CSV UTF-8” and upload that.
fault-too_many_columns = The sheet has too many columns. Delete those that are not needed.
fault-no_sheet = The workbook has no sheet to read.
fault-unknown_sheet = The workbook has no such sheet.
fault-too_many_waiting = 10 files of yours are waiting. Run one of them first, or discard it.
fault-too_many_arriving = 3 files of yours are on their way. Wait until one of them is here, and try again.
fault-no_room_now = Files of other administrators are on their way, and there is no room for another. Try again shortly.
fault-no_room = 100 files, or 2 GiB of them, are waiting for all administrators together. Run or discard one of yours, or ask those who have some: { $holders }.
fault-file_gone = The file is no longer here. Upload it again.
fault-import_failed = Something went wrong here, and the import broke off. What was kept is kept; try again later, and look into the log if it fails again.
conflict-import_busy = This import is at another step by now. Look at it again.
