"""Settings that decide over an image, as texts of the environment; none of them is a secret."""

from collections.abc import Mapping

from shared.settings import Settings


def of(settings: Settings) -> Mapping[str, str]:
    """By name. A limit that is not set is empty."""
    calls, seconds = settings.vision_rate
    return {
        "VISION_FEATURES": ",".join(settings.vision_features),
        "VISION_LANGUAGE": settings.vision_language,
        "VISION_MODEL_VERSION": settings.vision_model_version,
        "VISION_RATE": f"{calls}/{seconds:g}",
        "VISION_AUTH": settings.vision_auth,
        "VISION_STOP": str(settings.vision_stop).lower(),
        "VISION_DAILY_LIMIT": _limit(settings.vision_daily_limit),
        "VISION_MONTHLY_LIMIT": _limit(settings.vision_monthly_limit),
        "VISION_TIMEOUT_SECONDS": f"{settings.vision_timeout_seconds:g}",
        "ANSWER_LIFETIME_DAYS": _limit(settings.answer_lifetime_days),
        "THUMBNAIL_SIZES": ",".join(f"{width}x{height}" for width, height in settings.thumbnail_sizes),
        "THUMBNAIL_FORMATS": ",".join(settings.thumbnail_formats),
        "THUMBNAIL_MODE": settings.thumbnail_mode,
        "TEXT_MODE": settings.text_mode,
        "TEXT_READING_ORDER": settings.text_reading_order,
        "TEXT_MODEL_VERSION": settings.text_model_version,
        "TEXT_DEADLINE_SECONDS": f"{settings.text_deadline_seconds:g}",
        "MAX_WAIT_SECONDS": f"{settings.max_wait_seconds:g}",
        "MAX_UPLOAD_MEGABYTES": str(settings.max_upload_megabytes),
        "MAX_MEGAPIXELS": str(settings.max_megapixels),
    }


def _limit(limit: int | None) -> str:
    return "" if limit is None else str(limit)
