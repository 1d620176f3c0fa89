"""
A client that buys fruit: the code that the tests of this folder test.
"""

from myspread import pb


async def buy(shop, fruit, most):
    """Buy fruit, if it costs no more than C{most}; return the price, or None."""
    try:
        price = await shop.withTimeout(5).callRemote("price", fruit)
    except (KeyError, pb.CallTimeout):
        return None
    if price > most:
        return None
    basket = await shop.callRemote("basket")
    await basket.callRemote("add", fruit)
    return price


async def shopping(session, fruits):
    """Buy all that there is, through a session; return what it costs."""
    avatar = await session.avatar
    prices = [await buy(avatar, fruit, most=10) for fruit in fruits]
    return sum(price for price in prices if price is not None)
