"""Words that give a heading, a field or a section its meaning, in the languages that were met."""

import re
from functools import lru_cache


_ACCEPTANCE = (
    "acceptance", "criteria", "criterion", "definition of done", "checklist", "verification",
    "notes", "metrics", "quality gate", "done when",
    # German, Swedish, Norwegian, Danish, Dutch
    "akzeptanz", "abnahme", "kriterien", "checkliste", "acceptans", "kriterier", "sjekkliste",
    "acceptatie", "klart när", "definition av klar", "controlelijst",
    # French, Spanish, Portuguese, Italian
    "critère", "criterio", "critério", "criteri di", "aceptación", "aceitação", "accettazione",
    "lista de verificación", "lista de verificação", "liste de contrôle", "vérification",
    "verificación", "verificação",
    # Russian, Polish, Turkish, Ukrainian
    "критери", "чек-лист", "чеклист", "kryteria", "kabul kriter",
    # Chinese, Japanese, Korean
    "验收", "验证清单", "检查清单", "检查表", "完成标准", "質量門", "质量门", "完成定义", "驗收",
    "檢查清單",
    "受け入れ", "完了条件", "完成条件", "チェックリスト", "完了の定義", "品質ゲート",
    "인수 조건", "수용 기준", "완료 조건", "체크리스트", "완료 기준", "승인 기준",
)  # fmt: skip
ACCEPTANCE = re.compile("|".join(re.escape(word) for word in _ACCEPTANCE), re.I)
"""Boxes without an id under such a heading or field are acceptance, not tasks (R3)."""

WORK_LISTS = frozenset(
    ("checklist", "checkliste", "sjekkliste", "чек-лист", "чеклист", "체크리스트")
)
"""Words that mean conditions in one heading and work in another."""

CLOSED_LIST = re.compile(
    r"(?:acceptance|success|exit|completion) criteria|definition of done|quality gate", re.I
)
"""What only lists conditions: never a task, even with a number."""

DONE_DEFINITION = re.compile(
    r"definition of done|\bDoD\b|definition av klar|完成定义|完了の定義|완료 정의", re.I
)
"""Never tasks, even when the file holds nothing else (R3)."""

TASK_WORD = "Task|タスク|任务|任務|작업|태스크|Tarea|Tarefa|Tâche|Aufgabe|Uppgift|Задача"
"""Words that make a task of what stands behind them and a colon (R21)."""
TASK = f"{TASK_WORD}|Story|Issue|Ticket"
"""Words that make a number behind them an id."""
STEP = "Sub-?task|Step|ステップ|サブタスク|步骤|步驟|子任务|단계|Schritt|Paso|Passo|Étape|Steg|Шаг"
"""Words that make a box a step of something."""
BATCH_KINDS = (
    "Batch|Phase|Milestone|Stage|Sprint|Wave|Epic|Group|フェーズ|阶段|階段|里程碑|マイルストーン"
    "|Fase|Fas|Etapa|Meilenstein|Этап|Фаза"
)
BATCH = re.compile(
    rf"\W*(?P<kind>{BATCH_KINDS})s?\b\s*\#?"
    r"(?P<number>\d+(?:\.\d+)*[A-Za-z]?\b|[A-Z](?=\s*[:：.)–—-])|[IVX]{1,5}\b)?"
    r"\s*(?:[:：.)]+|[-–—]+(?=\s)|(?=\s|$|[(（]))\s*(?P<title>.*)$",
    re.I,
)
"""A heading that names a batch."""

NUMBERED = re.compile(r"(?P<number>\d+)[.)]\s+(?P<title>\S.*)$")
"""``## 1. title``, a batch by its number."""

DECLARED_TASKS = re.compile(r"\s*\((\d{1,4})\s+tasks?\)", re.I)

TASKS_HEADING = re.compile(r"\W*tasks?\W*$", re.I)
"""A heading that is exactly ``Tasks``: plain bullets under it are tasks (R20)."""

FIELDS = {
    "files": (
        "files", "file", "files to create", "files to modify", "files to change", "files to edit",
        "files to create/modify", "files to update", "files modified", "files created",
        "files changed", "files added", "file changes", "files touched", "files affected",
        "affected files", "target files", "target file", "target location", "target path",
        "modified files", "new files", "key files",
    ),
    "depends_on": (
        "depends on", "depends", "dependencies", "dependency", "blocked by", "prerequisites",
        "prerequisite", "depends_on", "waits for",
    ),
    "verify": (
        "verify", "verification", "verification command", "verification commands", "verify with",
        "test command", "test commands", "test", "tests",
    ),
    "run": ("run",),
    "goal": ("goal", "objective", "purpose"),
    "agent": ("agent",),
    "fallback": ("fallback", "fallback agents"),
    "model": ("model",),
    "effort": ("effort",),
    "mode": ("mode", "execution mode"),
    "priority": ("priority",),
    "budget": ("budget",),
    "timeout": ("timeout",),
    "retries": ("retries",),
    "labels": ("labels", "label", "tags"),
    "parallel": ("parallel",),
    "status": ("status", "state"),
    "milestone": ("milestone", "checkpoint"),
    "rehearse": ("rehearse",),
    "steps": ("steps",),
    "body": ("body",),
}  # fmt: skip
FIELD_NAMES = {name: key for key, names in FIELDS.items() for name in names}


@lru_cache(maxsize=4096)
def field_key(name: str) -> str | None:
    """The key that a field's name stands for; None = a field that means nothing to us."""
    plain = name.strip().strip("*_`:").strip().casefold()
    key = FIELD_NAMES.get(plain)
    if key is None and ACCEPTANCE.search(plain):
        return "acceptance"
    return key
