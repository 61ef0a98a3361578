"""A broken catalogue is refused, and every mistake is named."""

import pickle
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

import permissions.catalogue
from permissions.catalogue import CatalogueError, Problem, load
from permissions.errors import PermissionsError

SHIPPED = Path(permissions.catalogue.__file__).parent / "default"
TEXTS = "policy/2023-04-07"


class Mistake(NamedTuple):
    """One change of a valid catalogue, and the key and reason it is to be told by."""

    file: str
    old: str
    new: str
    key: str
    reason: str


MISTAKES = {
    "unknown key": Mistake(
        "functions.toml",
        "[browsing]",
        '[browsing]\nstil_works = "x"',
        "browsing.stil_works",
        "unknown key",
    ),
    "missing key": Mistake(
        "functions.toml",
        '[scanning]\nkind = "extended"',
        "[scanning]",
        "scanning.kind",
        "the key is missing",
    ),
    "wrong type": Mistake(
        "operator.toml",
        '"+86 771 555 0100"',
        "867715550100",
        "phone",
        "867715550100 will not do: expected `str`, got `int`",
    ),
    "a number that cannot be printed": Mistake(
        "operator.toml",
        '"+86 771 555 0100"',
        f"0x{'f' * 5000}",
        "phone",
        "a number too long to show will not do: expected `str`, got `int`",
    ),
    "a value where a table belongs": Mistake(
        "sdks.toml",
        "[wechat_open]",
        "other = 1\n[wechat_open]",
        "other",
        "expected a table, got a whole number",
    ),
    "an array with a wrong item": Mistake(
        "pairs.toml",
        'scenes = ["media_viewer"]',
        'scenes = ["media_viewer", 3]',
        '"device.storage".save_media.scenes[1]',
        "3 will not do: expected `str`, got `int`",
    ),
    "a value outside its list": Mistake(
        "pairs.toml",
        'level = "write_only"',
        'level = "some"',
        '"device.storage".save_media.level',
        "'some' will not do: invalid enum value 'some'",
    ),
    "a pair that is no table": Mistake(
        "pairs.toml",
        '["device.storage".save_media]',
        '["device.storage"]\nscan_qr = 1\n["device.storage".save_media]',
        '"device.storage".scan_qr',
        "expected a table, got a whole number",
    ),
    "missing language": Mistake(
        "functions.toml",
        'title.en = "Browsing"',
        "",
        "browsing.title.en",
        "the text is missing in this language",
    ),
    "unlisted language": Mistake(
        "functions.toml",
        'title.en = "Browsing"',
        'title.en = "Browsing"\ntitle.th = "x"',
        "browsing.title.th",
        "policy.toml does not list this language",
    ),
    "empty text": Mistake(
        "functions.toml",
        'title.en = "Browsing"',
        'title.en = " "',
        "browsing.title.en",
        "the text is empty",
    ),
    "text without languages": Mistake(
        "purposes.toml",
        'title.zh-CN = "扫描二维码"\ntitle.en = "Scanning a QR code"',
        'title = "Scanning"',
        "scan_qr.title",
        "expected a table, got a string",
    ),
    "missing retention": Mistake(
        "categories.toml",
        '[credit]\nshape = "object"\nretention = "P90D"',
        '[credit]\nshape = "object"',
        "credit.retention",
        "the key is missing",
    ),
    "negative retention": Mistake(
        "categories.toml",
        '[credit]\nshape = "object"\nretention = "P90D"',
        '[credit]\nshape = "object"\nretention = "-P90D"',
        "credit.retention",
        "the time is not positive",
    ),
    "retention in hours": Mistake(
        "categories.toml",
        '[credit]\nshape = "object"\nretention = "P90D"',
        '[credit]\nshape = "object"\nretention = "PT36H"',
        "credit.retention",
        "the time is no whole number of days",
    ),
    "bad duration": Mistake(
        "categories.toml",
        '[credit]\nshape = "object"\nretention = "P90D"',
        '[credit]\nshape = "object"\nretention = "90 days"',
        "credit.retention",
        "'90 days' will not do: invalid ISO8601 duration",
    ),
    "retention for ever": Mistake(
        "categories.toml",
        '[credit]\nshape = "object"\nretention = "P90D"',
        '[credit]\nshape = "object"\nretention = "P40000D"',
        "credit.retention",
        "the time is longer than a century",
    ),
    "unknown function of a purpose": Mistake(
        "purposes.toml",
        'function = "scanning"',
        'function = "scaning"',
        "scan_qr.function",
        "there is no function 'scaning'",
    ),
    "unknown capability": Mistake(
        "pairs.toml",
        '["device.storage".save_media]',
        '["device.store".save_media]',
        '"device.store"',
        "there is no capability 'device.store'",
    ),
    "capability without its kind": Mistake(
        "pairs.toml",
        '["data.credit".credit_check]',
        "[credit.credit_check]",
        "credit",
        "there is no capability 'credit'",
    ),
    "unknown purpose": Mistake(
        "pairs.toml",
        '["device.storage".save_media]',
        '["device.storage".save_all]',
        '"device.storage".save_all',
        "there is no purpose 'save_all'",
    ),
    "unknown fallback": Mistake(
        "pairs.toml",
        'fallback = "save_in_app"',
        'fallback = "vanish"',
        '"device.storage".save_media.fallback',
        "there is no fallback 'vanish'",
    ),
    "unknown element": Mistake(
        "pairs.toml",
        'elements = ["wechat_openid"]',
        'elements = ["wechat_openid", "wechat_friends"]',
        '"data.account".wechat_sign_in.elements[1]',
        "there is no element 'wechat_friends'",
    ),
    "element named twice": Mistake(
        "pairs.toml",
        'elements = ["wechat_openid"]',
        'elements = ["wechat_openid", "wechat_openid"]',
        '"data.account".wechat_sign_in.elements',
        "'wechat_openid' is named 2 times",
    ),
    "data pair without elements": Mistake(
        "pairs.toml",
        'elements = ["phone", "email"]\n',
        "",
        '"data.identity".service_messages.elements',
        "no element is named",
    ),
    "basis of a foreign element": Mistake(
        "pairs.toml",
        'elements = ["phone", "email"]',
        'elements = ["phone", "email"]\nbasis = { address = "contract" }',
        '"data.identity".service_messages.basis.address',
        "the pair has no such element",
    ),
    "unknown basis": Mistake(
        "pairs.toml",
        'elements = ["phone", "email"]',
        'elements = ["phone", "email"]\nbasis = { phone = "interest" }',
        '"data.identity".service_messages.basis.phone',
        "'interest' will not do: invalid enum value 'interest'",
    ),
    "scene that is no id": Mistake(
        "pairs.toml",
        'scenes = ["scan_screen"]',
        'scenes = ["ScanScreen"]',
        '"device.camera".scan_qr.scenes[0]',
        "'ScanScreen' cannot be an id",
    ),
    "scene named twice": Mistake(
        "pairs.toml",
        'scenes = ["scan_screen"]',
        'scenes = ["scan_screen", "scan_screen"]',
        '"device.camera".scan_qr.scenes',
        "'scan_screen' is named 2 times",
    ),
    "key that is no id": Mistake(
        "fallbacks.toml",
        "[call_us]",
        '["call us"]\ntext = { zh-CN = "x", en = "x" }\n[call_us]',
        '"call us"',
        "'call us' cannot be an id",
    ),
    "life of nothing": Mistake(
        "pairs.toml",
        'max_life = "P30D"',
        'max_life = "P0D"',
        '"data.credit".credit_check.max_life',
        "the time is not positive",
    ),
    "sensitive, not asked apart": Mistake(
        "pairs.toml",
        'elements = ["order_no", "payment_account"]\nseparate = "sensitive"\n',
        'elements = ["order_no", "payment_account"]\n',
        '"data.transaction".refund.separate',
        "sensitive elements (payment_account) need a separate consent",
    ),
    "elements of a permission": Mistake(
        "pairs.toml",
        'prefer = "scan_picker"',
        'prefer = "scan_picker"\nelements = ["x"]',
        '"device.camera".scan_qr.elements',
        "a permission of the phone has none",
    ),
    "permission without a way": Mistake(
        "pairs.toml",
        'prefer = "save_button"\nlevel = "write_only"\n',
        "",
        '"device.storage".save_media.level',
        "the pair names no way to use the permission",
    ),
    "preferred way that is no id": Mistake(
        "pairs.toml",
        'prefer = "scan_picker"',
        'prefer = "Scan picker"',
        '"device.camera".scan_qr.prefer',
        "'Scan picker' cannot be an id",
    ),
    "level for data": Mistake(
        "pairs.toml",
        'elements = ["wechat_openid"]',
        'elements = ["wechat_openid"]\nlevel = "full"',
        '"data.account".wechat_sign_in.level',
        "data needs no permission of the phone",
    ),
    "nothing to sign in with": Mistake(
        "pairs.toml",
        '["data.account".sign_in]',
        '["data.account".service_messages]',
        '"data.account".sign_in',
        "the pair is missing",
    ),
    "signing in without a name for the person": Mistake(
        "pairs.toml",
        'elements = ["sub", "login_name"]',
        'elements = ["login_name"]',
        '"data.account".sign_in.elements',
        "'sub' is missing",
    ),
    "SDK with more than its function needs": Mistake(
        "sdks.toml",
        'holds = ["data.account/wechat_openid"]',
        'holds = ["data.account/wechat_openid", "data.identity/phone"]',
        "wechat_open.holds[1]",
        "no pair of the function 'wechat_login' names 'data.identity/phone'",
    ),
    "SDK with an unknown element": Mistake(
        "sdks.toml",
        'holds = ["data.account/wechat_openid"]',
        'holds = ["data.account/wechat_id"]',
        "wechat_open.holds[0]",
        "there is no element 'wechat_id'",
    ),
    "SDK with a whole category": Mistake(
        "sdks.toml",
        'holds = ["data.account/wechat_openid"]',
        'holds = ["data.account"]',
        "wechat_open.holds[0]",
        "'data.account' names no element",
    ),
    "SDK with an unknown category": Mistake(
        "sdks.toml",
        'holds = ["data.account/wechat_openid"]',
        'holds = ["data.friends/name"]',
        "wechat_open.holds[0]",
        "there is no capability 'data.friends'",
    ),
    "SDK of an unknown purpose": Mistake(
        "sdks.toml",
        'purpose = "wechat_sign_in"',
        'purpose = "fun"',
        "wechat_open.purpose",
        "there is no purpose 'fun'",
    ),
    "SDK whose purpose serves another function": Mistake(
        "sdks.toml",
        'purpose = "wechat_sign_in"',
        'purpose = "delivery"',
        "wechat_open.purpose",
        "delivery belongs to the function 'delivery'",
    ),
    "SDK without a safe link": Mistake(
        "sdks.toml",
        "https://",
        "http://",
        "wechat_open.link",
        "'http://open.weixin.qq.com/' is no https address",
    ),
    "no country": Mistake(
        "operator.toml",
        'region = "CN"',
        'region = "China"',
        "region",
        "'China' is no country code",
    ),
    "operator id": Mistake(
        "operator.toml",
        'id = "aseanbiz"',
        'id = "AseanBiz"',
        "id",
        "'AseanBiz' cannot be an id",
    ),
    "no version": Mistake(
        "policy.toml",
        'version = "2023-04-07"',
        'version = "../secrets"',
        "version",
        "'../secrets' cannot name a folder",
    ),
    "no date": Mistake(
        "policy.toml",
        "effective_on = 2023-04-07",
        'effective_on = "April"',
        "effective_on",
        "'April' will not do: invalid RFC3339 encoded date",
    ),
    "authoritative text in no language": Mistake(
        "policy.toml",
        'authoritative = "zh-CN"',
        'authoritative = "zh"',
        "authoritative",
        "there is no language 'zh'",
    ),
    "no languages": Mistake(
        "policy.toml",
        'locales = ["zh-CN", "en"]',
        'locales = ["zh-CN", "en", "../en"]',
        "locales[2]",
        "'../en' is no language tag",
    ),
    "empty list of languages": Mistake(
        "policy.toml",
        'locales = ["zh-CN", "en"]',
        "locales = []",
        "locales",
        "no language is listed",
    ),
    "language listed twice": Mistake(
        "policy.toml",
        'locales = ["zh-CN", "en"]',
        'locales = ["zh-CN", "en", "en"]',
        "locales",
        "'en' is named 2 times",
    ),
    "category without elements": Mistake(
        "categories.toml",
        "[credit]\n",
        '[empty]\nshape = "object"\nretention = "P1D"\n'
        'title = { zh-CN = "x", en = "x" }\nelements = {}\n[credit]\n',
        "empty.elements",
        "no element is declared",
    ),
    "element of an unknown type": Mistake(
        "categories.toml",
        'score = { type = "integer"',
        'score = { type = "int"',
        "credit.elements.score.type",
        "'int' will not do: invalid enum value 'int'",
    ),
    "SDK of an unknown function": Mistake(
        "sdks.toml",
        'function = "wechat_login"',
        'function = "wechat"',
        "wechat_open.function",
        "there is no function 'wechat'",
    ),
    "clock of no country": Mistake(
        "clocks.toml",
        'jurisdiction = "SG"',
        'jurisdiction = "Singapore"',
        "incident_report_sg.jurisdiction",
        "'Singapore' is no country code",
    ),
    "missing clock": Mistake(
        "clocks.toml",
        "[ask_again_after_refusal]",
        "[ask_again]",
        "ask_again_after_refusal",
        "the clock is missing",
    ),
    "asks that wait for working days": Mistake(
        "clocks.toml",
        'duration = 48\nunit = "hours"\ncalendar = "none"',
        'duration = 2\nunit = "working_days"\ncalendar = "cn"',
        "ask_again_after_refusal.unit",
        "asks cannot wait for working_days",
    ),
    "negative clock": Mistake(
        "clocks.toml",
        "duration = 48",
        "duration = -48",
        "ask_again_after_refusal.duration",
        "it is negative",
    ),
    "clock beyond the calendar": Mistake(
        "clocks.toml",
        "duration = 48",
        f"duration = 0x{'f' * 5000}",
        "ask_again_after_refusal.duration",
        "the time is longer than a century",
    ),
    "working days without a calendar": Mistake(
        "clocks.toml",
        'unit = "working_days"\ncalendar = "vn"',
        'unit = "working_days"\ncalendar = "none"',
        "request_reply_vn.calendar",
        "'none' names no calendar of working days",
    ),
    "calendar for hours": Mistake(
        "clocks.toml",
        'duration = 48\nunit = "hours"\ncalendar = "none"',
        'duration = 48\nunit = "hours"\ncalendar = "cn"',
        "ask_again_after_refusal.calendar",
        "hours are counted without a calendar",
    ),
    "policy without the operator's address": Mistake(
        f"{TEXTS}/policy.en.md",
        "+86 771 555 0100",
        "on request",
        "",
        "the text does not contain '+86 771 555 0100'",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the shipped catalogue to where a test may break it."""
    return shutil.copytree(SHIPPED, tmp_path / "catalogue")


def change(folder: Path, mistake: Mistake) -> None:
    """Make one mistake in a copied catalogue."""
    path = folder / mistake.file
    text = path.read_text("utf-8")
    assert mistake.old in text
    path.write_text(text.replace(mistake.old, mistake.new), "utf-8")


def problems_of(folder: Path) -> tuple[Problem, ...]:
    """Return what a load complains about."""
    with pytest.raises(CatalogueError) as caught:
        load(folder)
    return caught.value.problems


class TestMistakes:
    @pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
    def test_each_is_named_alone(self, folder: Path, mistake: Mistake) -> None:
        """One mistake gives one problem: its file, its key, its reason, a fix."""
        change(folder, mistake)

        problems = problems_of(folder)

        assert [(p.file, p.key, p.reason) for p in problems] == [
            (mistake.file, mistake.key, mistake.reason)
        ]
        assert problems[0].fix

    def test_all_are_told_at_once(self, folder: Path) -> None:
        """An author corrects a catalogue in one round, not in ten."""
        chosen = [
            MISTAKES["unknown key"],
            MISTAKES["missing key"],
            MISTAKES["missing language"],
            MISTAKES["negative retention"],
            MISTAKES["unknown fallback"],
            MISTAKES["unknown element"],
            MISTAKES["no country"],
            MISTAKES["negative clock"],
        ]
        for mistake in chosen:
            change(folder, mistake)

        found = {(p.file, p.key, p.reason) for p in problems_of(folder)}

        assert found == {(each.file, each.key, each.reason) for each in chosen}

    def test_an_address_of_nobody(self, folder: Path) -> None:
        """The address is no address, and the policy then names another one."""
        email = "privacy@aseanbiz.example"
        change(folder, Mistake("operator.toml", email, "no address", "", ""))

        assert [(p.file, p.key, p.reason) for p in problems_of(folder)] == [
            ("operator.toml", "email", "'no address' is no e-mail address"),
            (f"{TEXTS}/policy.zh-CN.md", "", "the text does not contain 'no address'"),
            (f"{TEXTS}/policy.en.md", "", "the text does not contain 'no address'"),
        ]

    def test_several_in_one_entry_are_all_told(self, folder: Path) -> None:
        """The first wrong key of an entry does not hide the second."""
        (folder / "permissions.toml").write_text(
            "[storage]\n[album]\ntitle = 1\nx = 2\n[camera]\ntitle.en = 3\n"
        )

        keys = [p.key for p in problems_of(folder)]

        assert keys == [
            "storage.title",
            "album.x",
            "album.title",
            "camera.title.zh-CN",
            "camera.title.en",
        ]

    def test_a_close_name_is_offered(self, folder: Path) -> None:
        """A slip of the finger is answered with the name that was meant."""
        change(folder, MISTAKES["unknown key"])

        assert problems_of(folder)[0].fix == "did you mean still_works?"

    def test_the_message_tells_all(self, folder: Path) -> None:
        """The text of the error alone is enough to correct the catalogue."""
        change(folder, MISTAKES["unknown fallback"])
        change(folder, MISTAKES["no country"])

        with pytest.raises(CatalogueError) as caught:
            load(folder)

        assert str(caught.value) == (
            "the catalogue has 2 mistakes:\n"
            "  operator.toml: region: 'China' is no country code; "
            "use two capital letters, as in CN\n"
            '  pairs.toml: "device.storage".save_media.fallback: '
            "there is no fallback 'vanish'; declare it in fallbacks.toml"
        )

    def test_the_error_is_one_of_ours(self, folder: Path) -> None:
        """It has a stable code and survives pickling with all problems."""
        change(folder, MISTAKES["no country"])

        with pytest.raises(CatalogueError) as caught:
            load(folder)
        copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301

        assert isinstance(caught.value, PermissionsError)
        assert caught.value.code == "catalogue_invalid"
        assert copy.problems == caught.value.problems


class TestTwice:
    @pytest.mark.parametrize(
        ("file", "table", "key"),
        [
            ("functions.toml", "[browsing]", "browsing"),
            (
                "pairs.toml",
                '["device.camera".scan_qr]',
                '"device.camera".scan_qr',
            ),
        ],
    )
    def test_the_id_and_the_line_are_named(
        self, folder: Path, file: str, table: str, key: str
    ) -> None:
        """An id stands once; the second place is told, and nothing else."""
        path = folder / file
        text = path.read_text("utf-8")
        path.write_text(f"{text}\n{table}\n", "utf-8")
        line = len(text.splitlines()) + 2

        (problem,) = problems_of(folder)

        assert (problem.file, problem.key) == (file, key)
        assert problem.reason.startswith(f"is declared twice at line {line},")


class TestFiles:
    def test_missing_folder(self, tmp_path: Path) -> None:
        """A folder that is not there is named, with the path that was tried."""
        (problem,) = problems_of(tmp_path / "none")

        assert problem.file == str(tmp_path / "none")
        assert problem.reason == "there is no such folder"

    def test_file_instead_of_folder(self, folder: Path) -> None:
        """A file is no catalogue."""
        (problem,) = problems_of(folder / "operator.toml")

        assert problem.reason == "cannot be read as a folder (Not a directory)"

    def test_empty_folder(self, tmp_path: Path) -> None:
        """Every file that is missing is named, and nothing is blamed beside."""
        problems = problems_of(tmp_path)

        assert len(problems) == 10
        assert {p.reason for p in problems} == {"the file is missing"}

    @pytest.mark.parametrize("file", sorted(p.name for p in SHIPPED.glob("*.toml")))
    def test_one_missing_file(self, folder: Path, file: str) -> None:
        """What points into a missing file is not blamed for it."""
        (folder / file).unlink()

        assert [(p.file, p.reason) for p in problems_of(folder)] == [
            (file, "the file is missing")
        ]

    @pytest.mark.parametrize(
        "file",
        [
            f"{TEXTS}/{name}"
            for name in (
                "policy.zh-CN.md",
                "policy.en.md",
                "notice.zh-CN.txt",
                "notice.en.txt",
            )
        ],
    )
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (None, "the file is missing"),
            (b" \n", "the text is empty"),
            (b"ok \xff", "byte 3 is not UTF-8"),
        ],
    )
    def test_missing_or_unreadable_text(
        self, folder: Path, file: str, raw: bytes | None, reason: str
    ) -> None:
        """The policy and the notice stand in every language, to be read."""
        (folder / file).unlink()
        if raw is not None:
            (folder / file).write_bytes(raw)

        assert [(p.file, p.key, p.reason) for p in problems_of(folder)] == [
            (file, "", reason)
        ]

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"[storage", "is not valid TOML: "),
            (b"x = \xff", "byte 4 is not UTF-8"),
            (b"x = " + b"[" * 100_000, "is nested too deeply"),
            (b"x = " + b"9" * 5_000, "is not valid TOML: "),
            (b"x = {y = 1, y = 2}", "is not valid TOML: "),
        ],
    )
    def test_unreadable_toml(self, folder: Path, raw: bytes, reason: str) -> None:
        """Whatever a file holds, it is the file that is named."""
        (folder / "permissions.toml").write_bytes(raw)

        (problem,) = problems_of(folder)

        assert problem.file == "permissions.toml"
        assert problem.reason.startswith(reason)

    def test_folder_instead_of_file(self, folder: Path) -> None:
        """A file that cannot be opened is told, with the system's own reason."""
        (folder / "clocks.toml").unlink()
        (folder / "clocks.toml").mkdir()

        (problem,) = problems_of(folder)

        assert problem.reason == "cannot be read (Is a directory)"

    def test_unknown_file(self, folder: Path) -> None:
        """A misnamed file would be silently without effect."""
        (folder / "function.toml").touch()

        (problem,) = problems_of(folder)

        assert (problem.file, problem.reason) == (
            "function.toml",
            "is no file of a catalogue",
        )

    def test_byte_order_mark(self, folder: Path) -> None:
        """A file saved by an editor on Windows is read all the same."""
        path = folder / "permissions.toml"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

        assert load(folder).permissions == load().permissions


class TestHash:
    def test_same_files_same_hash(self, folder: Path) -> None:
        """The hash names the content, wherever it lies."""
        assert load(folder).sha256 == load().sha256

    @pytest.mark.parametrize("file", ["clocks.toml", f"{TEXTS}/notice.en.txt"])
    def test_any_change_changes_it(self, folder: Path, file: str) -> None:
        """A running version is named down to the last character."""
        path = folder / file
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")

        assert load(folder).sha256 != load().sha256
