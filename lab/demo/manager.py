"""What the demo's campaign manager prepares: whom to call first, what to read out, what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

SEGMENTS: Final = {
    "nord": "city in (Como, Lodi, Torino, Udine, Varese)",
    "centro-sud": "not city in (Como, Lodi, Torino, Udine, Varese)",
}
SCRIPT: Final = "benvenuto"
TEMPLATE: Final = "offerta"
LEAD: Final = "lead"

_SCRIPT: Final = """\
{{ greeting }}, parlo con {{ contact.name }}? Sono {{ agent.name }} di {{ caller.name }}.

Abita ancora a **{{ contact.city }}**? Le rubo un minuto per la nostra offerta.
"""
_QUESTIONS: Final = [{"id": "rooms", "text": "Quante stanze?", "kind": "number"}]
_MAIL: Final = """\
Gentile {{ contact.name }},

grazie del tempo che ci ha dedicato. Ecco l'offerta di cui abbiamo parlato per {{ contact.city }}.

Non vuole altre mail? {{ unsubscribe_url }}
"""


def commands(campaign: str, folder: Path) -> list[list[str]]:
    """The commands of the manager, in order; the campaign is there already.

    Args:
        campaign: Whose contacts are written to.
        folder: Where the files that the commands read are put.
    """
    script, questions, mail = (folder / name for name in ("script.txt", "questions.json", "mail.txt"))
    script.write_text(_SCRIPT, "utf-8")
    questions.write_text(json.dumps(_QUESTIONS), "utf-8")
    mail.write_text(_MAIL, "utf-8")
    return [
        ["script", "save", SCRIPT, str(script), "--questions", str(questions), "--author", "demo"],
        [
            "campaign",
            "edit",
            campaign,
            f"script={SCRIPT}",
            "segments=nord:3@1,centro-sud:1@1",
            "--author",
            "demo",
        ],
        [
            *(
                "followups",
                "add-template",
                TEMPLATE,
                "--subject",
                "{{ contact.name }}, ecco la nostra offerta",
            ),
            *("--text", str(mail), "--author", "demo"),
        ],
        ["followups", "add-rule", campaign, LEAD, TEMPLATE, "--author", "demo"],
    ]
