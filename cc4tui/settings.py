"""From the configuration to the settings that the pipeline works by."""

from cc4tui.config import Config
from cc4tui.services.agents.prices import price_list
from cc4tui.services.git.belongings import Belongings
from cc4tui.services.pipeline.clocks import TimeLimits
from cc4tui.services.pipeline.preparation import SetupPlan
from cc4tui.services.pipeline.selection import Defaults
from cc4tui.services.pipeline.surroundings import RunSettings
from cc4tui.services.plans.values import budget


_MEBIBYTE = 1024 * 1024


def run_settings(config: Config, belongings: Belongings) -> RunSettings:
    """What the configuration says of runs; 0 stands for "no limit" there.

    Args:
        config: Of the person and the repository.
        belongings: What worktrees get a copy of, or a link to.
    """
    run = config.run
    return RunSettings(
        defaults=Defaults(
            agent=run.agent,
            model=None,
            timeout=run.timeout or None,
            retries=run.retries,
            verify=run.verify,
            mode=run.mode,
            land=run.land,
            fallback=run.fallback,
        ),
        workers=run.workers,
        check_timeout=run.verify_timeout or None,
        budget=budget(run.budget) if run.budget else {},
        prices=price_list(config.prices),
        quota_wait=run.quota_wait,
        setup=SetupPlan(run.setup, belongings),
        keep=run.keep,
        limits=TimeLimits(
            first_output=run.first_output or None,
            silence=run.silence or None,
            after_result=run.after_result or None,
        ),
        output_cap=run.output_cap * _MEBIBYTE or None,
    )
