"""The audit log over the API."""

from typing import Annotated, Any

from fastapi import Query, Request

from portal.api.answered import answered
from portal.api.described import problems
from portal.audit.reading import AuditPage, read_audit
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.parts import Part

router = Part(tags=["Audit"])


@router.get("/audit", response_model=AuditPage, responses=problems(401, 403))
async def get_audit(
    request: Request,
    viewer: ViewerHere,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Continue before this number.")] = None,
    company: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    subject_kind: Annotated[str | None, Query(max_length=20)] = None,
    subject_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Any:
    """What was done, the newest first: to your company for its administrators, all of it for the operating team."""
    async with portal_of(request).database.reading() as connection:
        found = await read_audit(
            connection,
            viewer,
            before=before,
            company_id=company,
            subject_kind=subject_kind,
            subject_id=subject_id,
        )
    return answered(request, found)
