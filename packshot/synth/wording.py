"""What is written on photos and packs, in Russian and English. Values are drawn, phrases are chosen."""

from __future__ import annotations

import numpy as np

SIZES = ("Длина", "Ширина", "Высота", "Глубина", "Диаметр", "Толщина", "Обхват", "Длина ручки", "Высота ножек")
MATERIALS = (
    "100% хлопок", "Натуральная кожа", "Нержавеющая сталь", "Массив дуба", "Экокожа", "Закалённое стекло",
    "Пищевой пластик", "Керамика", "Велюр", "Искусственный мех", "Алюминий", "Силикон", "Бамбук", "Полиэстер",
    "Рама сталь", "Эмаль", "Мембранная ткань", "Шерсть мериноса", "Микрофибра", "Латунь",
)  # fmt: skip
FEATURES = (
    "Водонепроницаемый", "Гипоаллергенный состав", "Не скользит", "Быстрая зарядка", "Съёмный чехол",
    "Подходит для посудомоечной машины", "Антипригарное покрытие", "Защита от УФ-лучей", "Регулировка высоты",
    "Дышащий материал", "Не содержит парабенов", "Увлажняет 24 часа", "Поддерживает иммунитет", "Выдерживает до 120 кг",
    "Тихая работа", "Складная конструкция", "Стирка при 30°", "Морозостойкий", "Мягкая подкладка", "Усиленный носок",
    "Автоотключение", "Пять режимов", "Подсветка экрана", "Не впитывает запахи", "Для чувствительной кожи",
    "Ортопедическая форма", "Эргономичная ручка", "Для влажной уборки", "Укрепляет волосы", "Легко моется",
    "Подходит для детей от 3 лет", "Двойной шов", "Плотное плетение", "Без сахара", "Безопасные материалы",
)  # fmt: skip
QUANTITIES = ("Объём", "Вес", "В упаковке", "Мощность", "Ёмкость", "Нагрузка", "Время работы", "Комплект", "Площадь")
HEADINGS = (
    "Размеры и свойства", "Преимущества", "Характеристики", "Почему это удобно", "Размеры", "Состав", "Особенности",
    "Материал и уход", "Для дома и дачи", "Для ежедневного ухода", "Удобное хранение", "Продумано до мелочей",
)  # fmt: skip
PRODUCT_NAMES = (
    "Крем для рук", "Набор посуды", "Сумка", "Подушка", "Кружка", "Кроссовки", "Шампунь", "Сковорода", "Фоторамка",
    "Молоток", "Корм для кошек", "Чай зелёный", "Диван", "Светильник", "Брашинг", "Кусторез", "Гель-бальзам", "Плед",
    "Велосипед", "Смеситель", "Корзина", "Игрушка", "Органайзер", "Термос", "Футболка", "Рюкзак", "Кофе молотый",
)  # fmt: skip
BRANDS = (
    "LUMERA", "Ветеран", "NORDA", "Лесная", "AQUAVIT", "Домовой", "VELTO", "Kosmo", "Ярило", "BRIGG", "Мила", "ORION",
    "SANTEK", "Уют", "GRANDO", "FELIX", "Алтай", "MIRAX", "Белка", "TORVA", "ЭКОДОМ", "ZEBRA",
)  # fmt: skip
PACK_WORDS = (
    "крем", "шампунь", "чай чёрный", "кофе", "молоко", "масло", "гель", "печенье", "маска", "соль", "мёд", "паста",
    "natural", "premium", "organic", "classic", "sensitive", "extra", "с ромашкой", "с витамином C", "для рук", "нежный уход",
)  # fmt: skip
PRICE_WORDS = (
    "СКИДКА", "РАСПРОДАЖА", "АКЦИЯ", "Кешбэк 10%", "Подарок!", "2 по цене 1", "Бесплатная доставка", "Доставка 1 день",
    "Выгодная цена", "SALE", "Рассрочка 0-0-12", "Чёрная пятница", "Промокод", "Лучшая цена", "Доставим завтра", "1+1=3",
    "Цена снижена", "Подарок в коробке",
)  # fmt: skip
CLAIMS = (
    "ХИТ", "ТОП", "NEW", "НОВИНКА", "№1", "Хит продаж", "Гарантия 2 года", "Лучший выбор", "18+", "TOP", "BEST",
    "Выбор покупателей", "Гарантия качества", "Премиум качество", "Бестселлер", "100% качество", "Оригинал", "WOW",
)  # fmt: skip
PLACEHOLDERS = (
    "Фото скоро появится", "Нет фото", "Изображение отсутствует", "Фото временно недоступно", "Photo coming soon",
    "No image available", "Фотография\nготовится", "NO PHOTO",
)  # fmt: skip
JARGON = (
    "Ст.3 ГОСТ 380-2005 ТУ 14-1", "IP54 кл. II cosφ 0.92", "DN15 PN16 G1/2 нар.-вн.", "KTB-3x2.5 нг(А)-LS",
    "PLA/PBAT 60/40 GSM 17", "RAL 7024 мат. ППУ 25/35", "HRC 52 сф. DIN 6530", "TDP 65W PWM 4pin", "SBR/EPDM sh.A 70",
    "Кат. 5e UTP 24AWG", "E27 PAR30 Ra>80",
)  # fmt: skip
FOREIGN = (
    "High quality material", "Soft and comfortable", "Waterproof design", "Easy to clean", "Premium stainless steel",
    "Perfect gift for family", "Non-slip bottom", "Large capacity storage", "Fashion style", "Multi-function tool",
    "Suitable for all seasons", "Product details", "Before and after", "Professional care", "Upgraded version",
    "Hochwertige Verarbeitung", "Einfach zu reinigen", "Haute qualité", "Su geçirmez", "Alta calidad", "Made for you",
)  # fmt: skip
IDEOGRAPHS = (
    "高品质材料", "防水设计", "柔软舒适", "加厚升级", "多功能收纳", "新款上市", "产品展示", "尺寸说明", "细节图", "环保无味",
    "大容量", "四季通用", "简约时尚", "厂家直销",
)  # fmt: skip
ACTIONS = (
    "Откройте крышку", "Нанесите тонким слоем", "Смойте водой", "Вставьте до щелчка", "Закрутите винты", "Установите полку",
    "Залейте кипятком", "Настаивайте 5 минут", "Протрите насухо", "Снимите плёнку", "Закрепите кронштейн", "Включите прибор",
)  # fmt: skip
TABLE_HEADS = ("Параметр", "Значение", "Размер", "Рост", "Обхват груди", "Обхват талии", "Модель", "Вес", "Артикул")
SENTENCES = (
    "Изделие выполнено из прочного материала и прослужит долгие годы.",
    "Подходит для ежедневного использования дома и в путешествии.",
    "Рекомендуется хранить в сухом месте при комнатной температуре.",
    "Конструкция продумана так, чтобы сборка занимала несколько минут.",
    "Перед применением ознакомьтесь с инструкцией, вложенной в упаковку.",
    "Покрытие устойчиво к царапинам, влаге и бытовой химии.",
    "Состав безопасен для детей и животных, не вызывает раздражения.",
    "Ткань не выцветает на солнце и сохраняет форму после стирки.",
    "Комплект включает все крепления, необходимые для установки.",
)
CERTIFICATE = ("СЕРТИФИКАТ СООТВЕТСТВИЯ", "ДЕКЛАРАЦИЯ О СООТВЕТСТВИИ", "СВИДЕТЕЛЬСТВО", "ДИПЛОМ", "CERTIFICATE")
WATERMARKS = ("shop-market.example", "ЛАВКА МАСТЕРА", "© photo-sklad", "DEMO", "ВАШ МАГАЗИН", "copyright", "Опт-Склад")
ADVERTS = (
    "Подписывайтесь на наш канал",
    "Ещё больше товаров в магазине",
    "Наш сайт",
    "Звоните прямо сейчас",
    "Оставьте отзыв",
)
SHADES = (
    "Белый",
    "Графит",
    "Бежевый",
    "Мята",
    "Синий",
    "Красный",
    "Хаки",
    "Пудра",
    "Шоколад",
    "Лаванда",
    "Горчица",
    "Чёрный",
)


def pick(rng: np.random.Generator, phrases: tuple[str, ...], count: int = 1) -> list[str]:
    """`count` different phrases (fewer if there are fewer)."""
    order = rng.permutation(len(phrases))[:count]
    return [phrases[int(i)] for i in order]


def length(rng: np.random.Generator) -> str:
    unit = str(rng.choice(["см", "см", "мм", "м"]))
    value = {
        "см": int(rng.integers(4, 120)),
        "мм": int(rng.integers(5, 90) * 10),
        "м": round(float(rng.uniform(0.4, 5)), 1),
    }
    return f"{value[unit]} {unit}".replace(".", ",")


def measure(rng: np.random.Generator) -> str:
    """A named size with its value: the useful kind."""
    return f"{pick(rng, SIZES)[0]} {length(rng)}"


def quantity(rng: np.random.Generator) -> str:
    name = pick(rng, QUANTITIES)[0]
    number = int(rng.integers(1, 50))
    return {
        "Объём": f"Объём {number * 10} мл", "Вес": f"Вес {number * 50} г", "В упаковке": f"{number} шт. в упаковке",
        "Мощность": f"Мощность {number * 50} Вт", "Ёмкость": f"Ёмкость {number} л", "Нагрузка": f"Нагрузка до {number * 5} кг",
        "Время работы": f"{number} часов работы", "Комплект": f"{number} шт.", "Площадь": f"Площадь {number} м²",
    }[name]  # fmt: skip


def short_quantity(rng: np.random.Generator) -> str:
    number = int(rng.integers(1, 60))
    unit = str(rng.choice(["мл", "г", "шт", "л", "кг", "Вт", "см", '"', "мес"]))
    return f"{number * 10 if unit in ('мл', 'г', 'Вт') else number}{'' if unit == chr(34) else ' '}{unit}"


def fact(rng: np.random.Generator) -> str:
    """One useful characteristic."""
    kind = rng.random()
    if kind < 0.3:
        return measure(rng)
    if kind < 0.5:
        return quantity(rng)
    return pick(rng, MATERIALS if kind < 0.7 else FEATURES)[0]


def facts(rng: np.random.Generator, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        phrase = fact(rng)
        if phrase not in found:
            found.append(phrase)
    return found


def article(rng: np.random.Generator) -> str:
    head = "".join(chr(65 + int(i)) for i in rng.integers(0, 26, 2))
    forms = (
        f"Арт. {rng.integers(1000, 99999)}",
        f"{head}-{rng.integers(100, 9999)}",
        f"art. {rng.integers(1000, 9999)}",
    )
    return str(
        rng.choice(
            forms + (f"Код {rng.integers(10**6, 10**7)}", f"{head}{rng.integers(10**5, 10**6)}/{rng.integers(1, 99)}")
        )
    )


def price(rng: np.random.Generator) -> str:
    value = int(rng.integers(99, 9999))
    shown = f"{value:,}".replace(",", " ")
    return str(
        rng.choice(
            [
                f"{shown} руб.",
                f"-{int(rng.integers(1, 18)) * 5}%",
                f"{shown} р",
                f"СКИДКА {int(rng.integers(1, 18)) * 5}%",
            ]
        )
    )
