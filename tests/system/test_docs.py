"""What the documentation shows is loaded as it stands."""
import os
import re
import shutil
import subprocess

import pytest

from support.door import ROOT

pytestmark = pytest.mark.quick

SHOP = """{ "service": { "name": "shop", "id": "shop-1", "address": "10.0.0.11", "port": 8001,
    "tags": ["gatehouse.route=www.shop.example"] } }"""


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


def recipes():
    """Each section that shows a file: its title and its text."""
    sections = [("README.md", read("README.md"))]
    for section in re.split(r"^#+ ", read("docs", "recipes.md"), flags=re.M)[1:]:
        sections.append((section.splitlines()[0], section))
    return [pytest.param(text, id=title) for title, text in sections if "```yaml" in text or "```json" in text]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@pytest.mark.parametrize("section", recipes())
def test_a_recipe_is_good_as_it_stands(make_door, authority, section):
    door = make_door(start=False)
    authority.issue("www.shop.example").write(door.certificates, "www")
    os.makedirs(door.path("pages"), exist_ok=True)
    for page in re.findall(r"pages/\w+\.html", section):
        shutil.copy(os.path.join(ROOT, "conf", "examples", "pages", "sorry.html"), door.path(page))
    with open(door.catalog.path("shop.json"), "w") as file:
        file.write((blocks(section, "json") or [SHOP])[0])
    text = "".join(blocks(section, "yaml"))
    if "catalog:" not in text:
        text += "catalog: { files: services }\n"
    if os.geteuid() == 0:
        text += "node: { user: root }\n"
    door.write_text(text)
    door.env["LOGS_DIRECTORY"] = door.folder
    if "consul-ca.pem" in text:
        authority.write(door.folder, "consul-ca.pem")
    if "consul.token" in text:
        with open(os.open(door.path("consul.token"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as token:
            token.write("00000000-0000-0000-0000-000000000000\n")
    done = door.check()
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_every_link_leads_somewhere():
    pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md"]
    for folder in ("docs", "docs/reference"):
        pages += [f"{folder}/{name}" for name in os.listdir(os.path.join(ROOT, folder)) if name.endswith(".md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)\)", read(page)):
            assert os.path.exists(os.path.join(ROOT, os.path.dirname(page), link)), f"{page}: {link}"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_the_unit_is_sound(tmp_path):
    unit = tmp_path / "gatehouse.service"
    text = read("conf", "examples", "systemd", "gatehouse.service")
    unit.write_text(text.replace("/usr/local/bin/gatehouse", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0 and "gatehouse.service" not in done.stderr, done.stderr
