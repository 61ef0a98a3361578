"""A stand-in for WeChat's log-in: pages, phone, token endpoints and levers."""

from oauth_wechat.simulator.app import create_simulator
from oauth_wechat.simulator.knobs import Knobs
from oauth_wechat.simulator.model import SimulatedApp, SimulatedUser

__all__ = ["Knobs", "SimulatedApp", "SimulatedUser", "create_simulator"]
