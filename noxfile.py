"""Sessions that need more than the package: `nox -s docs` builds the site of the documentation."""

from __future__ import annotations

from pathlib import Path

import nox

ROOT = Path(__file__).parent


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site: `nox -s docs [-- FOLDER]`; a warning is an error."""
    if session.virtualenv.venv_backend != "none":
        session.install(f"{ROOT}[docs,torch]")
    elsewhere = Path(session.create_tmp()).resolve()
    site = Path(session.posargs[0]).resolve() if session.posargs else elsewhere / "site"
    # Outside the repository `relufast` is the installed package, never the folder of sources.
    session.chdir(elsewhere)
    build = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(ROOT / "docs")]
    session.run("python", "-m", "sphinx", *build, str(ROOT), str(site))
    session.log(f"site: {site / 'docs' / 'index.html'}")
