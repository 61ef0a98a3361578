"""What the pages say, in Chinese and in English."""

from typing import Final, Literal

Lang = Literal["cn", "en"]

BANNER: Final = "Simulator – not WeChat / 模拟器，并非微信"

_CN: Final = {
    "tag": "zh-CN",
    "qr_title": "扫码登录",
    "qr_alt": "供模拟手机扫描的二维码",
    "wants": "申请登录：",
    "scope": "仅用于识别您的账号（openid）；不提供姓名、手机号或头像",
    "phone_title": "登录确认",
    "phone_panel": "模拟手机",
    "phone_link": "在另一页面打开模拟手机",
    "site": "网站",
    "data": "申请获取",
    "user": "用户",
    "deny_style": "拒绝后的回调",
    "none": "无回调",
    "state_only": "仅 state",
    "authdeny": "code=authdeny",
    "scan": "扫描",
    "allow": "允许",
    "disallow": "拒绝",
    "cancel": "取消",
    "expire": "使其过期",
    "refresh": "刷新二维码",
    "error_title": "该链接无法访问",
    "408": "请使用模拟手机扫描二维码登录",
    "404": "扫描成功，请在手机上确认登录",
    "405": "已允许，正在返回网站",
    "403": "你已取消此次登录",
    "402": "二维码已过期，请刷新",
    "phone_408": "请先扫描",
    "phone_404": "请确认是否登录",
    "phone_405": "已允许登录，请回到电脑页面",
    "phone_403": "你已取消此次登录",
    "phone_402": "该二维码已失效",
}

_EN: Final = {
    "tag": "en",
    "qr_title": "Log in by QR code",
    "qr_alt": "QR code for the simulated phone",
    "wants": "Log-in requested by",
    "scope": (
        "Only to recognise your account (openid); no name, phone number or picture"
    ),
    "phone_title": "Confirm log-in",
    "phone_panel": "Simulated phone",
    "phone_link": "Open the simulated phone in another tab",
    "site": "Site",
    "data": "Requested",
    "user": "User",
    "deny_style": "Callback after a refusal",
    "none": "no callback",
    "state_only": "state only",
    "authdeny": "code=authdeny",
    "scan": "Scan",
    "allow": "Allow",
    "disallow": "Disallow",
    "cancel": "Cancel",
    "expire": "Let it expire",
    "refresh": "Refresh the QR code",
    "error_title": "This link cannot be opened",
    "408": "Scan the QR code with the simulated phone",
    "404": "Scanned; now confirm on the phone",
    "405": "Allowed; returning to the site",
    "403": "You cancelled this log-in",
    "402": "The QR code has expired; refresh it",
    "phone_408": "Scan first",
    "phone_404": "Log in to this site?",
    "phone_405": "Log-in allowed; go back to the page on the computer",
    "phone_403": "You cancelled this log-in",
    "phone_402": "This QR code is no longer valid",
}

TEXTS: Final[dict[str, dict[str, str]]] = {"cn": _CN, "en": _EN}
