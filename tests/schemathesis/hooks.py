"""What Schemathesis is told of Belltower beyond its OpenAPI document: which key opens what, what bodies that are not JSON look
like, and two checks of its own."""

import io
import itertools
import os
import zipfile

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation

SEED = {name.removeprefix("SEED_"): value for name, value in os.environ.items() if name.startswith("SEED_")}
PRESS = "/api/v1/buttons/{id}/press"
ROTATE = "/api/v1/source/keys/rotate"
CLAIM = "/api/v1/source-registrations/{id}"

# --- Keys ---------------------------------------------------------------------------------------------------------

# Each rotation may end the key it was asked with, so the next one takes the key it was answered with.
rotated = {"key": SEED.get("ROTATED_KEY")}

if SEED["KEY"]:

    @schemathesis.auth(refresh_interval=None)
    class Keys:
        """A button has a key of its own, and a registration a token; rotating is left to a source of its own."""

        def get(self, case, context):
            own = {PRESS: SEED["BUTTON_KEY"], ROTATE: rotated["key"], CLAIM: SEED["CLAIM"]}
            return own.get(case.operation.path, SEED["KEY"])

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.path == ROTATE and response.status_code == 200:
        rotated["key"] = response.json()["key"]


# --- Ids ----------------------------------------------------------------------------------------------------------

# By the beginning of the path.
KNOWN = {
    "/api/v1/messages/": {"id": SEED["WAITING_MESSAGE"]},
    "/api/v1/deliveries/": {"id": SEED["DELIVERY"]},
    "/api/v1/broadcasts/{id}/update": {"id": SEED["BROADCAST"]},
    "/api/v1/broadcasts/": {"id": SEED["OTHER_BROADCAST"]},
    "/api/v1/buttons/": {"id": SEED["BUTTON"]},
    "/api/v1/recipients/{campus_id}/inbox": {"campus_id": "2024009", "message_id": SEED["MESSAGE"]},
    "/api/v1/recipients/": {"campus_id": "2024001"},
    "/api/v1/source-registrations/": {"id": SEED["REGISTRATION"]},
    "/api/v1/subscriptions/": {"id": SEED["SUBSCRIPTION"], "delivery": SEED["HANDING"]},
    "/api/v1/groups/": {"slug": "staff"},
    "/api/v1/templates/": {"slug": "book-due"},
    "/feeds/cap/": {"id": SEED["ALERT"]},
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """A derived case is about a body or a query: its path leads somewhere, so that it is not refused for that alone."""
    meta = case.meta
    if meta is None or meta.phase.name.value != "coverage" or case.method.upper() == "DELETE":
        return
    path = meta.components.get(ParameterLocation.PATH)
    if path is not None and path.mode.is_negative:
        return
    known = next((ids for beginning, ids in KNOWN.items() if case.operation.path.startswith(beginning)), {})
    given = case.path_parameters or {}
    case.path_parameters = {name: known.get(name, value) for name, value in given.items()}


# --- Bodies that are not JSON -------------------------------------------------------------------------------------

number = itertools.count()
line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def alert(kind, status, words):
    """A CAP alert that nobody sent before."""
    identifier = f"a{os.getpid()}-{next(number)}"
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>w.example</sender><sent>2026-09-21T22:10:00+08:00</sent>"
        f"<status>{status}</status><msgType>{kind}</msgType><scope>Public</scope><info><category>Met</category>"
        f"<event>{escaped}</event><urgency>Expected</urgency><severity>Minor</severity><certainty>Likely</certainty>"
        "</info></alert>"
    ).encode()


def workbook(rows):
    """The smallest file that spreadsheets open."""
    def cell(text):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        return f'<c t="inlineStr"><is><t>{escaped}</t></is></c>'

    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="a" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, text in parts.items():
            whole.writestr(name, text)
    return file.getvalue()


rows = st.lists(st.tuples(st.integers(1, 99).map(lambda n: f"P{n}"), line), max_size=4)
tables = rows.map(lambda rows: [("学号", "姓名"), *rows])


def ndjson(rows):
    escape = lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(f'{{"campus_id": "{id}", "name": "{escape(name)}"}}\n' for id, name in rows).encode()


def csv(rows):
    escape = lambda text: '"' + text.replace('"', '""') + '"'
    return "".join(",".join(map(escape, row)) + "\r\n" for row in rows).encode()


kinds = st.sampled_from(["Alert", "Alert", "Update", "Cancel", "Ack"])
alerts = st.builds(alert, kinds, st.sampled_from(["Test", "Exercise", "Actual"]), line)
for media in ("application/cap+xml", "application/xml", "text/xml"):
    schemathesis.openapi.media_type(media, alerts | st.binary(max_size=64))
schemathesis.openapi.media_type("application/x-ndjson", rows.map(ndjson) | st.binary(max_size=64))
schemathesis.openapi.media_type("text/csv", tables.map(csv) | st.binary(max_size=64))
schemathesis.openapi.media_type(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", tables.map(workbook) | st.binary(max_size=64)
)

# --- Checks -------------------------------------------------------------------------------------------------------


def as_described(case):
    """Whether it is asked by its own method; others are tried, too."""
    return case.method.upper() == case.operation.method.upper()


def is_for_all(case):
    """Whether anybody may ask without a key."""
    security = case.operation.definition.raw.get("security")
    return not security or {} in security


@schemathesis.check
def needs_a_key(context, response, case):
    """Without a key, every operation that needs one answers 401; where there is no such method, 405."""
    if not SEED["KEY"] and not is_for_all(case) and as_described(case):
        assert response.status_code == 401, f"{response.status_code} without a key"


@schemathesis.check
class Reached:
    """Every operation was brought to a success at least once, or all that was held against the document was refusals."""

    def __init__(self):
        self.asked, self.reached = set(), set()

    def after_response(self, context, response, case):
        # What anybody may ask is brought to its success without a key, after which there may be no room for more of it.
        if not is_for_all(case):
            self.asked.add(case.operation.label)
        if response.status_code < 300 and as_described(case):
            self.reached.add(case.operation.label)

    def after_run(self, context):
        missing = sorted(self.asked - self.reached)
        assert not SEED["KEY"] or not missing, "never brought to a success: " + ", ".join(missing)
