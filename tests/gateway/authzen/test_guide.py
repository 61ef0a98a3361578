"""What the guide shows is what the gateway takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from gateway.services import Services
from tests.factories import grant
from tests.gateway.authzen.asking import ONE, Pep
from tests.gateway.authzen.schema import faults, load

GUIDE = Path(__file__).parents[3] / "docs" / "authzen.md"


async def test_the_question_shown_is_answered(pep: Pep, services: Services) -> None:
    """With the id of a subject who said yes, it is true."""
    await grant(services, pep.subject, pep.client)
    (block,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    asked = json.loads(block)
    assert faults(load("evaluation-request"), asked) == []
    asked["subject"]["id"] = pep.subject

    told = await pep.ask(ONE, asked)

    assert told["decision"] is True
