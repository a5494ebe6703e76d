"""The helper process with the endpoints of services on loopback: `MLROLLOUT_DOUBLES` has their base address.

Everything else is Apprise's own: how it reads an address, what it sends, and what it makes of the answer.
"""

import os

from apprise.plugins import opsgenie, pagerduty, slack, twilio
from mlrollout.adapters.receivers import helper_process

BASE = os.environ["LANG"]  # of the environment, the helper is passed on few names

slack.NotifySlack.webhook_url = f"{BASE}/slack"
pagerduty.PAGERDUTY_API_LOOKUP = dict.fromkeys(pagerduty.PAGERDUTY_API_LOOKUP, f"{BASE}/pagerduty")
opsgenie.OPSGENIE_API_LOOKUP = dict.fromkeys(opsgenie.OPSGENIE_API_LOOKUP, f"{BASE}/opsgenie")
twilio.NotifyTwilio.notify_sms_url = f"{BASE}/twilio"

if __name__ == "__main__":
    helper_process.main()
